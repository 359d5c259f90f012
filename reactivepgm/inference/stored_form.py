"""The forms of a graph's variables as JSON, and back; a form of the user's own is kept as what it looked like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import reactivepgm.distributions as distributions
from reactivepgm.distributions import Distribution
from reactivepgm.errors import ConstraintError, StorageError
from reactivepgm.graph import Composite, FixedMarginal, Form, PointMassForm, ProjectedTo, SampleList
from reactivepgm.graph.form_constraint import Forms
from reactivepgm.inference.stored_value import Reader, Writer


class StoredForm(Form):
    """A form that was not stored: it looks like it did, and refuses to run.

    Args:
        text: how it looked.
        stands_apart: whether its variable left all clusters.
    """

    def __init__(self, text: str, stands_apart: bool) -> None:
        self.text = text
        self.stands_apart = stands_apart

    def __call__(self, belief: Distribution) -> Distribution:
        """Nothing.

        Raises:
            StorageError: always.
        """
        raise StorageError(f"the form {self.text} was not stored with the result; infer again with the model")

    def __repr__(self) -> str:
        return self.text


def stored_forms(forms: Mapping[int, Forms], writer: Writer) -> list[list[Any]]:
    """Array number, form of the marginal, form of the messages, for each array that has one."""
    return [[int(id), _stored(part.marginal, writer), _stored(part.message, writer)] for id, part in forms.items()]


def restored_forms(stored: Any, arrays: int, reader: Reader) -> dict[int, Forms]:
    """The forms again.

    Raises:
        StorageError: a form that does not exist, or of an array that does not.
    """
    found = {}
    for id, marginal, message in stored:
        if not 0 <= int(id) < arrays:
            raise StorageError(f"a form belongs to array {id}, and there are {arrays}")
        found[int(id)] = Forms(_restored(marginal, reader), _restored(message, reader))
    return found


def _stored(form: Form | None, writer: Writer) -> Any:
    if type(form) is PointMassForm:
        return {"form": "PointMass", "bounds": writer.value(form.bounds)}
    if type(form) is FixedMarginal:
        return {"form": "FixedMarginal", "marginal": writer.value(form.marginal, opaque=False)}
    if type(form) is SampleList:
        return {"form": "SampleList", "n": int(form.n), "seed": int(form.seed)}
    if type(form) is ProjectedTo:
        return {"form": "ProjectedTo", "family": form.family.__name__}
    if type(form) is Composite:
        return {"form": "Composite", "forms": [_stored(part, writer) for part in form.forms]}
    return None if form is None else {"form": "other", "text": repr(form), "stands_apart": bool(form.stands_apart)}


def _restored(stored: Any, reader: Reader) -> Form | None:
    if stored is None:
        return None
    kind = stored["form"]
    try:
        if kind == "PointMass":
            return PointMassForm(reader.value(stored["bounds"]))
        if kind == "FixedMarginal":
            return FixedMarginal(reader.value(stored["marginal"]))
        if kind == "SampleList":
            return SampleList(stored["n"], stored["seed"])
        if kind == "ProjectedTo":
            return ProjectedTo(getattr(distributions, str(stored["family"]), None))
        if kind == "Composite":
            return Composite(*(_restored(part, reader) for part in stored["forms"]))
        if kind == "other":
            return StoredForm(str(stored["text"]), bool(stored["stands_apart"]))
    except ConstraintError as error:
        raise StorageError(f"a form {kind!r} that cannot be: {error}") from None
    raise StorageError(f"there is no form {kind!r}")
