"""The front end: ``@model``, ``~``, ``where``, ``randomvar``, ``datavar``, ``constvar``."""

from reactivepgm.graph import UnfactorizedData, q
from reactivepgm.language.logic import implies
from reactivepgm.language.model import Model, ModelInstance, model
from reactivepgm.language.variables import ConstVariable, constvar, datavar, randomvar

__all__ = [
    "ConstVariable",
    "Model",
    "ModelInstance",
    "UnfactorizedData",
    "constvar",
    "datavar",
    "implies",
    "model",
    "q",
    "randomvar",
]
