"""The front end: ``@model``, ``~``, ``where``, ``randomvar``, ``datavar``, ``constvar``."""

from reactivepgm.graph import q
from reactivepgm.language.model import Model, ModelInstance, model
from reactivepgm.language.variables import ConstVariable, constvar, datavar, randomvar

__all__ = ["ConstVariable", "Model", "ModelInstance", "constvar", "datavar", "model", "q", "randomvar"]
