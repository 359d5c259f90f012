"""Measurements beside other libraries: ratios from one run, never timed tests."""
