"""One model text, built with its loops lifted and turn by turn; whether the two graphs agree in every number."""

from __future__ import annotations

import linecache
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import numpy as np

import reactivepgm.distributions as distributions
from reactivepgm.errors import ReactivePGMError
from reactivepgm.graph import FixedBinding, MeanField, q
from reactivepgm.language import constvar, datavar, lifting_hooks, model, randomvar
from reactivepgm.language.run import ModelRun
from reactivepgm.nodes import NormalMixture

NAMES = {
    **vars(distributions),
    "MeanField": MeanField,
    "NormalMixture": NormalMixture,
    "constvar": constvar,
    "datavar": datavar,
    "model": model,
    "np": np,
    "q": q,
    "randomvar": randomvar,
}


@dataclass
class Outcome:
    """What came of a build: a graph and a returned value, or an error; how often lifting succeeded and failed."""

    graph: Any = None
    returned: str = ""
    error: str = ""
    printed: list[Any] = field(default_factory=list)
    lifted: int = 0
    bailed: int = 0


def outcome(text: str, data: dict[str, Any], *, lift: bool, shortest: int = 2, **arguments: Any) -> Outcome:
    """Build the model ``f`` that a text defines."""
    file = f"<model {hash(text)}>"
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    result = Outcome()
    names = {**NAMES, "LIFT": lift, "__name__": "generated", "note": result.printed.append}
    exec(compile(text, file, "exec"), names)
    instance = names["f"](**arguments)
    with mock.patch.object(lifting_hooks, "SHORTEST", shortest), counted(result):
        try:
            result.graph = instance.build(data)
            result.returned = repr(instance.returned)
        except (ReactivePGMError, ArithmeticError, LookupError, NameError, TypeError, ValueError) as error:
            result.error = f"{type(error).__name__}: {error}"
    return result


@contextmanager
def counted(result: Outcome) -> Iterator[None]:
    """Counts what the runs of models say about their loops."""
    runs = []
    real = ModelRun.__init__

    def kept(run: ModelRun, *args: Any, **kwargs: Any) -> None:
        runs.append(run)
        real(run, *args, **kwargs)

    with mock.patch.object(ModelRun, "__init__", kept):
        yield
    result.lifted = sum(lifts for run in runs for lifts, _ in run.attempts.values())
    result.bailed = sum(bails for run in runs for _, bails in run.attempts.values())


def both(text: str, data: dict[str, Any] | None = None, **arguments: Any) -> Outcome:
    """The outcome with lifting, which must be the one without."""
    data = {} if data is None else data
    left = outcome(text, data, lift=True, **arguments)
    right = outcome(text, data, lift=False, **arguments)
    assert right.lifted == right.bailed == 0
    assert left.error == right.error, text
    assert left.printed == right.printed and left.returned == right.returned, text
    if not left.error:
        assert_identical(left.graph, right.graph)
    return left


def assert_identical(left: Any, right: Any) -> None:
    """The same arrays, families, rows and numbers, in the same order."""
    assert left.same_as(right)
    assert [_array(a) for a in left.arrays] == [_array(a) for a in right.arrays]
    assert len(left.families) == len(right.families)
    for one, other in zip(left.families, right.families, strict=True):
        assert one.node is other.node and one.rows == other.rows and one.site == other.site
        assert one.clusters == other.clusters and one.labels == other.labels and one.meta == other.meta
        assert one.pipeline == other.pipeline and list(one.bindings) == list(other.bindings)
        for a, b in zip(one.bindings.values(), other.bindings.values(), strict=True):
            assert type(a) is type(b)
            if isinstance(a, FixedBinding):
                _same_source(a.source, b.source, one.rows)
            else:
                assert [v.name for v in a.arrays] == [v.name for v in b.arrays]
                np.testing.assert_array_equal(a.index, b.index)


def _array(array: Any) -> tuple[Any, ...]:
    return array.id, array.name, array.kind, array.shape, array.anonymous, array.site, array.value_shape


def _same_source(a: Any, b: Any, rows: int) -> None:
    assert type(a) is type(b) and a.is_rowwise == b.is_rowwise and a.names == b.names
    assert repr(a.canonical(rows)) == repr(b.canonical(rows))
    for name in ("value", "index"):
        assert type(getattr(a, name, None)) is type(getattr(b, name, None))
        np.testing.assert_array_equal(getattr(a, name, 0.0), getattr(b, name, 0.0))
