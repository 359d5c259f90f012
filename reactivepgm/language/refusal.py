"""Why a target cannot be drawn: said only once the operand has turned out to be a factor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reactivepgm.errors import DataError, ModelError, ReactivePGMError, UndeclaredVariableError
from reactivepgm.graph import Reference
from reactivepgm.language.call_site import CallSite

Refusal = Callable[[], ReactivePGMError]


def over_data(known: CallSite, current: Reference) -> Refusal:
    """``y = ~F(...)`` where y is data."""
    name = known.target
    text = known.site.text.partition("=")[2].strip()
    spelled = f"{name}[...]" if current.shape == () else f"{name}[:]"
    complaint = f"{name} is data, and this would forget them: it gives the name to a new variable"
    return lambda: ModelError(known.site.letter(complaint, write=f"{spelled} = {text}"))


def no_container(known: CallSite, container: Any) -> Refusal:
    """``x[i] = ~F(...)`` where x is a list, a number, an array of numbers, ..."""
    name, kind = known.target, type(container).__name__
    if isinstance(container, (float, int)) or hasattr(container, "__array__"):
        cure = f'data={{"{name}": ...}} instead of an argument, or {name} = randomvar(n) for a latent array'
        return lambda: DataError(
            known.site.letter(f"{name} is a constant {kind}, so nothing can be observed or drawn there", write=cure)
        )
    cure = f"{name} = randomvar(n)  before the first use"
    return lambda: UndeclaredVariableError(known.site.letter(f"{name} is a {kind}, not an array of variables", write=cure))
