"""Forms as text: ``PointMass(bounds=(0, 1))``, ``FixedMarginal(Gamma(shape=1.0, rate=2.0))``, ``Composite(...)``."""

from __future__ import annotations

from typing import Any

from reactivepgm import distributions
from reactivepgm.distributions import Distribution, Gamma, MvNormal, Normal, PointMass
from reactivepgm.errors import ReactivePGMError
from reactivepgm.graph.constraint_reader import Reader
from reactivepgm.graph.forms import Composite, FixedMarginal, Form, PointMassForm, ProjectedTo, SampleList, as_form

_FAMILIES: dict[str, Any] = {
    name: kind
    for name, kind in vars(distributions).items()
    if isinstance(kind, type) and issubclass(kind, Distribution) and kind.parameter_ranks
} | {"Normal": Normal, "MvNormal": MvNormal, "Gamma": Gamma}
_FORMS: dict[str, Any] = {
    "PointMass": PointMassForm,
    "SampleList": SampleList,
    "FixedMarginal": FixedMarginal,
    "Composite": Composite,
    "ProjectedTo": ProjectedTo,
}
_DEEPEST = 20


def read_form(reader: Reader) -> Form:
    """The form that stands next in a text.

    Raises:
        ConstraintSyntaxError: with the position of what does not fit.

    Example:
        >>> read_form(Reader("SampleList(1000)"))
        SampleList(n=1000, seed=0)
    """
    start = reader.position
    value = _value(reader, 0)
    try:
        return as_form(value)
    except ReactivePGMError as error:
        reader.fail(_first_line(error), start)


def _value(reader: Reader, depth: int) -> Any:
    start = reader.position
    if depth > _DEEPEST:
        reader.fail("this is nested too deep")
    number = reader.number()
    if number is not None:
        return number
    for opening, closing, kind in (("(", ")", tuple), ("[", "]", list)):
        if reader.skip(opening):
            items, _ = _items(reader, closing, depth)
            return items[0] if kind is tuple and len(items) == 1 else kind(items)
    if not (reader.next.isidentifier() or reader.next == "-"):
        reader.fail(f"expected a form, a family or a number, found {reader.found}")
    if reader.skip("-"):
        reader.expect("inf")
        return -float("inf")
    name = reader.name()
    if name == "inf":
        return float("inf")
    is_called = reader.skip("(")
    if name not in _FAMILIES and name not in _FORMS:
        reader.fail(f"there is no form or family called {name}; forms are {', '.join(_FORMS)}", start)
    if not is_called:
        return PointMass if name == "PointMass" else _FORMS.get(name) or _FAMILIES[name]
    items, options = _items(reader, ")", depth)
    # Inside FixedMarginal a point is a distribution; anywhere else PointMass is a form.
    kind = _FAMILIES[name] if name == "PointMass" and items else _FORMS.get(name) or _FAMILIES[name]
    try:
        return kind(*items, **options)
    except Exception as error:  # whatever a family's constructor refuses, by whatever error
        reader.fail(_first_line(error), start)


def _items(reader: Reader, closing: str, depth: int) -> tuple[list[Any], dict[str, Any]]:
    """What stands between brackets: values, and values with a name."""
    items: list[Any] = []
    options: dict[str, Any] = {}
    while not reader.skip(closing):
        if items or options:
            reader.expect(",")
        start = reader.position
        name = reader.name() if reader.next.isidentifier() else None
        if name is not None and reader.skip("="):
            if closing != ")" or name in options:
                reader.fail(f"{name}= has no place here", start)
            options[name] = _value(reader, depth + 1)
            continue
        reader.position = start
        if options:
            reader.fail("what has no name stands before what has one", start)
        items.append(_value(reader, depth + 1))
    return items, options


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
