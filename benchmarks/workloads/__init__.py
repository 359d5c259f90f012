"""The workloads, in the order of the table."""
