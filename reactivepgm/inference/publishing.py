"""What an engine hands out: who asks for what decides what a step computes.

    listeners, history, latest, autoupdates  -->  wanted posteriors and score  -->  step  -->  calls of whoever asked
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from contextlib import AbstractContextManager, suppress
from typing import Any

from reactivepgm.distributions import Distribution
from reactivepgm.errors import ModelError
from reactivepgm.inference.assembly import Assembly
from reactivepgm.inference.kept import checked_history
from reactivepgm.inference.outlets import Outlet, Outlets
from reactivepgm.inference.stepper import SCORE
from reactivepgm.streams import Propagation


class Publishing:
    """Outlets, history and the latest posteriors.

    Args:
        turn: what every thread holds while it subscribes or reads.
        history: how many posteriors to keep, of every named variable or by name.
        compute: a posterior that the last step left out.
        moment: the same object until the next observation has been taken in.
        asked: told whenever something else is wanted.

    Attributes:
        posteriors: observables by name.
        predictions: observables by name.
        free_energy: an observable.
        history: bounded lists by name.
        latest: the posteriors of the last observation.
        named: the posteriors that every step gives, in order.
        wanted: the same, and the score if somebody listens to it.
        calls: the position of a result, and who gets it.
        predicted: the data whose predictions somebody listens to.
    """

    def __init__(
        self,
        turn: AbstractContextManager[Any],
        history: Any,
        compute: Callable[[str], Distribution],
        moment: Callable[[], object],
        asked: Callable[[], None],
    ) -> None:
        propagation = Propagation(turn)
        self._kept = checked_history(history)
        self._asked = asked
        self._compute = compute
        self._tracked: set[str] = set()
        self._has_begun = False
        self.posteriors = Outlets(propagation, self.rewire, moment, "posterior")
        self.predictions = Outlets(propagation, self.rewire, moment, "prediction")
        self.free_energy = Outlet(propagation, self.rewire, moment)
        self.history = History()
        self.latest = Latest(self._late, turn)
        self.named: tuple[str, ...] = ()
        self.wanted: tuple[str, ...] = ()
        self.calls: list[tuple[int, Callable[[Any], object]]] = []
        self.predicted: list[str] = []

    def begin(self, assembly: Assembly, is_told: bool) -> None:
        """The names are known from now on.

        Args:
            assembly: the graph and its stepper.
            is_told: whether somebody hears of single computations.

        Raises:
            ModelError: somebody listens to, or keeps, what the model has not.
        """
        self.posteriors.check(assembly.known)
        self.predictions.check(set(assembly.outputs))
        kept = self._kept
        sizes = kept if isinstance(kept, Mapping) else dict.fromkeys(sorted(assembly.named), kept) if kept else {}
        for name, size in sizes.items():
            if name not in assembly.known:
                there = ", ".join(sorted(assembly.named))
                raise ModelError(f"history: the model has no random variable `{name}`; it has {there}")
            self.history.setdefault(name, deque(maxlen=size))
        self.latest.names = assembly.named
        # Where marginals are carried, or stages and listeners would hear of it twice, no step is repeated for what it left out.
        if assembly.stepper.state or assembly.stepper.computes_all or is_told:
            self._tracked |= assembly.named
        self._has_begun = True
        self.rewire()

    def rewire(self) -> None:
        """See anew who asks for what."""
        if not self._has_begun:
            return
        listened = self.posteriors.observed
        names = tuple(sorted({*listened, *self.history, *self._tracked}))
        self.named = self.wanted = names
        self.calls = [(names.index(name), self.posteriors[name].push) for name in listened]
        self.calls += [(names.index(name), kept.append) for name, kept in self.history.items()]
        if self.free_energy.is_observed:
            self.calls.append((len(names), self.free_energy.push))
            self.wanted = (*names, SCORE)
        self.predicted = self.predictions.observed
        self._asked()

    def predict(self, shape: Assembly, inputs: list[Any]) -> list[tuple[Callable[[Any], object], Any]]:
        """The predictions that somebody listens to: who is told, and what; all data count as unseen."""
        if not self.predicted:
            return []
        values = dict(zip(shape.order, inputs, strict=True))
        return [
            (self.predictions[name].push, shape.stepper.predict(name, shape.outputs, values)) for name in self.predicted
        ]

    def whole(self) -> dict[str, Distribution]:
        """All posteriors: those that the last step left out are computed, and by no later step."""
        found = self.latest.stored()
        with suppress(LookupError):  # a resumed engine has those that were kept
            found |= {name: self._compute(name) for name in sorted(self.latest.names.difference(found))}
        return found

    def restore(self, latest: Mapping[str, Distribution], history: Mapping[str, deque[Distribution]]) -> None:
        """Take over posteriors that were computed elsewhere."""
        self.latest.update(latest)
        self.history.update(history)
        self.rewire()

    def outlets(self) -> list[Outlet]:
        """All of them."""
        return [*self.posteriors.all(), *self.predictions.all(), self.free_energy]

    def _late(self, names: Iterable[str]) -> dict[str, Distribution]:
        """Posteriors that the last step left out: computed now, and by every step from now on."""
        found = {name: self._compute(name) for name in names}
        self._tracked.update(found)
        self.rewire()
        return found


class Posteriors(dict[str, Distribution]):
    """Posteriors by name, as they were after one observation.

    Example:
        >>> Posteriors()["x"]
        Traceback (most recent call last):
        ...
        KeyError: "no posterior named 'x'; there are: none, because no observation has come"
    """

    def __missing__(self, name: str) -> Distribution:
        there = ", ".join(sorted(self)) or "none, because no observation has come"
        raise KeyError(f"no posterior named {name!r}; there are: {there}")


class History(dict[str, deque[Distribution]]):
    """Bounded lists of posteriors by name.

    Example:
        >>> History()["x"]
        Traceback (most recent call last):
        ...
        KeyError: "no history of 'x' is kept; write  infer_online(..., history={'x': 1000})"
    """

    def __missing__(self, name: str) -> deque[Distribution]:
        raise KeyError(f"no history of {name!r} is kept; write  infer_online(..., history={{{name!r}: 1000}})")


class Latest(dict[str, Distribution]):
    """The latest posteriors of all named variables; those that no step computes are computed when they are read.

    A dictionary, so that autoupdates reads it at full speed, which looks like a whole one to everybody else.

    Args:
        compute: posteriors by name, which every later step computes.
        turn: what every thread holds while it reads.
    """

    def __init__(
        self, compute: Callable[[Iterable[str]], Mapping[str, Distribution]], turn: AbstractContextManager[Any]
    ) -> None:
        super().__init__()
        self._compute = compute
        self._turn = turn
        self.names: set[str] = set()

    def __missing__(self, name: str) -> Distribution:
        with self._turn:
            if self.names and name not in self.names:
                raise KeyError(f"no posterior named {name!r}; there are: {', '.join(sorted(self.names))}")
            self.update(self._compute([name]))
            return dict.__getitem__(self, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.copy())

    def __len__(self) -> int:
        return len(self.copy())

    def __repr__(self) -> str:
        return repr(self.copy())

    def __contains__(self, name: object) -> bool:
        return name in self.copy()

    def __eq__(self, other: object) -> bool:
        return self.copy() == other

    __hash__ = None

    def get(self, name: str, default: Any = None) -> Any:
        """A posterior, or the default where there is none."""
        return self.copy().get(name, default)

    def keys(self) -> KeysView[str]:  # type: ignore[override]
        """The names."""
        return self.copy().keys()

    def values(self) -> ValuesView[Distribution]:  # type: ignore[override]
        """The posteriors."""
        return self.copy().values()

    def items(self) -> ItemsView[str, Distribution]:  # type: ignore[override]
        """The names and the posteriors."""
        return self.copy().items()

    def copy(self) -> Posteriors:
        """All posteriors as they are now; none before the first observation."""
        with self._turn:
            missing = self.names.difference(self.stored())
            if missing:
                with suppress(LookupError):  # nothing was taken in yet
                    self.update(self._compute(sorted(missing)))
            return Posteriors(self.stored())

    def stored(self) -> dict[str, Distribution]:
        """Those that need no computation."""
        return {name: dict.__getitem__(self, name) for name in dict.__iter__(self)}

    def forget(self, but: Iterable[str]) -> None:
        """Drop what no step brings up to date any more."""
        for name in set(dict.__iter__(self)).difference(but):
            del self[name]
