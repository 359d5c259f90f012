"""How a model goes to another process: by the name under which it can be imported there, or by value."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any


def is_found(model: Any, module: str, name: str) -> bool:
    """Whether a dotted name in a module that is loaded means this very model."""
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found is model


def found_model(module: str, name: str) -> Any:
    """The model of a dotted name in a module.

    Raises:
        ImportError: the module cannot be imported here.
        AttributeError: nothing has that name.
    """
    found: Any = import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found


def is_cloudpickled() -> bool:
    """Whether cloudpickle asks. It writes by value what stands in ``__main__``, which its readers may not have."""
    frame = sys._getframe(1)
    while frame.f_back is not None:
        frame = frame.f_back
        if str(frame.f_globals.get("__name__", "")).partition(".")[0] == "cloudpickle":
            return True
    return False
