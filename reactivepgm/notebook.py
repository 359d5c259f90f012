"""The IPython extension: after ``%load_ext reactivepgm.notebook`` a cell may say ``x ~ Normal(mean=0.0, variance=1.0)``."""

from reactivepgm.language.notebook import load_ipython_extension, unload_ipython_extension

__all__ = ["load_ipython_extension", "unload_ipython_extension"]
