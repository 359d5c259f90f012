"""Why a target cannot be drawn: said only once the operand has turned out to be a factor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reactivepgm.errors import DataError, ModelError, ReactivePGMError, UndeclaredVariableError
from reactivepgm.graph import Reference, Site
from reactivepgm.language.call_site import CallSite

Refusal = Callable[[], ReactivePGMError]


def over_data(known: CallSite, current: Reference) -> Refusal:
    """``y = ~F(...)`` where y is data."""
    name = known.target
    text = known.site.text.partition("=")[2].strip()
    spelled = f"{name}[...]" if current.shape == () else f"{name}[:]"
    complaint = f"{name} is data, and this would forget them: it gives the name to a new variable"
    return lambda: ModelError(known.site.letter(complaint, write=f"{spelled} = {text}"))


def over_datum(known: CallSite, current: Reference) -> Refusal:
    """``for y_t in y: y_t = ~F(...)``, where the name stands for an element of the data."""
    name, array = known.target, current.array
    text = known.site.text.partition("=")[2].strip()
    complaint = (
        f"{name} is {current!r}, a part of the data {array.name}, and this would forget it: it gives the name to a new variable"
    )
    cure = f"for t in range(len({array.name})): {array.name}[t] = {text}; or another name for a new variable"
    return lambda: ModelError(known.site.letter(complaint, write=cure))


def before_the_start(container: Reference, place: int, site: Site) -> UndeclaredVariableError:
    """``x[t - 1]`` in the turn in which t is 0."""
    name = container.array.name
    return UndeclaredVariableError(
        site.letter(
            f"{name}[{place}] was never declared: the index, computed in a loop, lies before the first element, and a"
            f" negative one would count from the end",
            write=f"a loop that starts later, such as  for t in range({-place}, len({name})), with the first elements drawn"
            f" before it; or {name}[(...) % len({name})] for a ring",
        )
    )


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


def no_reach(known: CallSite, model: str, option: str) -> ModelError:
    """``z = ~submodel(...).where(q=...)``: the statement is no factor, its inside has many."""
    cure = f'constraints="in {model}: q(a, b) = q(a) q(b)"' if option == "q" else f"where({option}=...) inside {model}"
    return ModelError(known.site.letter(f"where({option}=...) does not reach into the model {model}", write=cure))


def not_made(known: CallSite, model: str, value: Any, out: Any) -> ModelError:
    """``x[i] = ~submodel(...)`` where the submodel returns no variable of its own."""
    what = "nothing" if value is None else repr(value)
    complaint = f"{model} returns {what}, which is no variable that it made, so {out!r} cannot be that"
    return ModelError(known.site.letter(complaint, write=f"return x  in {model}, with an x that is drawn there"))


def nothing_returned(known: CallSite, model: str) -> ModelError:
    """``z = ~submodel(...)`` where the submodel returns nothing."""
    text = known.site.text.partition("=")[2].strip()
    complaint = f"{model} returns nothing that {known.target} could be"
    return ModelError(known.site.letter(complaint, write=f"{text}  alone, or a return in {model}"))
