"""A graph that reacts: data in, posteriors, messages and the score out, as cells.

A new datum marks the batches that read it; the work-list runs them in the plan's order, then the cells that show their
results. What does not depend on the datum does not run. Variational cycles are closed by the next datum: one propagation
updates every marked batch once. An update made by a subscriber, in the middle of a propagation, waits for its end and makes
the next one, before the outer update returns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from reactivepgm.distributions import Distribution
from reactivepgm.errors import DataError, ModelError
from reactivepgm.graph import FactorHandle, Family, Graph, Reference
from reactivepgm.graph.data_read import elements_read
from reactivepgm.plan import Border, Plan
from reactivepgm.streams.cell import Cell, tell_all
from reactivepgm.streams.held import ScheduledUpdates
from reactivepgm.streams.initial import checked_belief
from reactivepgm.streams.inlet import Inlet
from reactivepgm.streams.order import Order
from reactivepgm.streams.propagation import Propagation
from reactivepgm.streams.running import Running
from reactivepgm.streams.shown import Shown, joint_of, message_of, only_row
from reactivepgm.streams.skip import SkipInitial, SkipStrategy
from reactivepgm.streams.stages import connected


class LiveGraph:
    """A graph, its plan and its beliefs behind cells; made by ``live(graph)``."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.propagation = Propagation()
        self._inlets = {array.id: Inlet(array, elements_read(graph.families, array)) for array in graph.data}
        self._initial: dict[int, Distribution] = {}
        self._initial_joints: dict[tuple[int, int], Distribution] = {}
        self._messages: dict[int, Distribution] = {}
        self._edge_messages: dict[tuple[int, str], Distribution] = {}
        self._running: Running | None = None
        self._shown: list[Shown] = []
        self._held: list[ScheduledUpdates] = []
        self._again = False
        self._order = Order(self.propagation, self._wave)

    # -- data in

    def update(self, reference: Reference, value: Any) -> None:
        """Push a value; everything that depends on it is brought up to date before this returns."""
        self.propagation.check_thread()
        inlet = self._inlet(reference)
        fits = inlet.checked(reference, value)

        def push() -> None:
            inlet.put(reference, fits)
            self._changed(inlet)

        self._order.do(push)

    def resend(self, reference: Reference) -> None:
        """Push the last value again."""
        self.propagation.check_thread()
        inlet = self._inlet(reference)

        def push() -> None:
            inlet.check_arrived(reference)
            self._changed(inlet)

        self._order.do(push)

    def finish(self, *references: Reference) -> None:
        """No value follows; what depends on finished data alone is complete."""
        self.propagation.check_thread()
        inlets = [self._inlet(reference) for reference in references]

        def end() -> None:
            for inlet in inlets:
                inlet.is_finished = True
            tell_all(shown.cell.finish for shown in list(self._shown) if self._is_over(shown))

        self._order.do(end)

    def batch(self) -> AbstractContextManager[None]:
        """Several updates, one propagation, also where a subscriber makes them.

            a      --1-------->
            b      ---2------->
            batch  [   ]
            cells  ----c------>
        """
        return self._order.batch()

    def hold(self, references: Iterable[Reference]) -> ScheduledUpdates:
        """Hold the posteriors of variables (and of what shares a region with them) until they are released."""
        for reference in references:
            _check_random(reference)
        held = ScheduledUpdates(frozenset(r.array.id for r in references), self._order.advance, self._held.remove)
        self._held.append(held)
        return held

    # -- what to begin with

    def set_marginal(self, reference: Reference, belief: Distribution) -> None:
        """Give a variable its initial marginal; before the first datum is complete."""
        self._check_not_begun(f"the initial marginal of {reference!r}")
        _check_whole(reference, "marginal")
        self._initial[reference.array.id] = checked_belief(self.graph, reference.array, belief, "the initial marginal")
        for shown in self._shown:
            self.propagation.mark(shown.cell.unit)
        self._order.advance()

    def set_joint(self, handle: FactorHandle, names: str, belief: Distribution) -> None:
        """Give a cluster of a factor its initial joint marginal."""
        self._check_not_begun(f"the initial joint marginal q({names})")
        family = self.family(handle)
        for number, cluster in enumerate(family.clusters):
            random = [name for name in cluster if name in family.random]
            if "_".join(random) == names:
                _check_distribution(family, belief, f"the initial joint marginal q({names})")
                self._initial_joints[family.id, number] = belief
                return
        raise ModelError(joint_of(family, names))

    def set_message(self, target: Reference | FactorHandle, interface: str | None, message: Distribution) -> None:
        """Give a region with cycles, or a border, its first message."""
        self._check_not_begun("an initial message")
        if isinstance(target, Reference):
            _check_whole(target, "message")
            array = target.array
            checked_belief(self.graph, array, message, "the initial message")
            self._messages[array.id] = message
        else:
            family = self.family(target)
            name = only_row(family, interface)
            self._edge_messages[family.id, name] = _checked_message(family, name, message)

    # -- beliefs out

    def marginal(self, reference: Reference, skip: SkipStrategy | None = None) -> Cell:
        """The observable of a variable's posterior, in the reference's own shape."""
        _check_random(reference)
        array, strategy = reference.array, skip or SkipInitial()
        elements = reference.elements if reference.shape else int(reference.elements)

        def batches(running: Running) -> list[int]:
            return running.dependencies.of_array(running.number[array.id])

        def belief() -> Distribution:
            running = self._running
            known = running.marginal(array.id) if running is not None else None
            current = self._initial[array.id] if known is None else known
            return current.broadcast_to((array.size,))[elements]

        def ready() -> bool:
            running = self._running
            if running is None or running.marginal(array.id) is None:
                return array.id in self._initial and not strategy.skips(is_initial=True, is_clamped=False)
            numbers = batches(running)
            is_clamped = not any(running.dependencies.data[n] for n in numbers)
            return not strategy.skips(is_initial=not running.has_run(numbers), is_clamped=is_clamped)

        return self._cell(belief, ready, batches)

    def joint(self, handle: FactorHandle, names: str) -> Cell:
        """The observable of a factor's joint marginal, such as "out_mean"; of one variable's, if one interface is named."""
        family = self.family(handle)
        if names in family.random and not family.random[names].is_plural:
            binding = family.random[names]
            index = binding.index[handle.row : handle.row + handle.count]
            chosen = Reference(binding.array, int(index[0]), (len(index),), index)
            single = handle.out is None or handle.out.shape == ()
            return self.marginal(Reference(binding.array, int(index[0]), ()) if single else chosen)
        return self._cell(*message_of(self, family, handle, names, is_joint=True))

    def message(self, handle: FactorHandle, interface: str) -> Cell:
        """The observable of a factor's outgoing message; computed because somebody listens."""
        family = self.family(handle)
        return self._cell(*message_of(self, family, handle, only_row(family, interface), is_joint=False))

    def free_energy(self) -> Cell:
        """The observable of the Bethe free energy, in nats."""

        def score() -> float:
            running = self.running
            return running.plan.free_energy(running.beliefs)

        def ready() -> bool:
            return self._running is not None and self._running.is_complete

        return self._cell(score, ready, lambda running: list(range(len(running.units))), is_score=True)

    # -- inside

    @property
    def running(self) -> Running:
        """The plan and its beliefs; the data are complete."""
        assert self._running is not None
        return self._running

    @property
    def has_begun(self) -> bool:
        """Whether the data are complete."""
        return self._running is not None

    def family(self, handle: FactorHandle) -> Family:
        """The family of a factor, as this graph has it."""
        return self.graph.family(handle.family.id)

    def held(self, arrays: Iterable[int]) -> bool:
        """Whether somebody holds back the posterior of one of the arrays."""
        chosen = set(arrays)
        return any(not held.is_open and held.arrays & chosen for held in self._held)

    def arrived(self, border: Border, message: Distribution) -> None:
        """A message came out of a pipeline that delays."""
        self.propagation.check_thread()
        border.arrive(message)
        if border.is_sending and border.cluster.whole is None:
            return  # its region is being swept and reads it right away
        self.propagation.mark(self.running.unit_of(border))
        self._again = True
        self._order.advance()

    def fail(self, error: BaseException) -> None:
        """End every observable with an error."""
        tell_all(partial(shown.cell.fail, error) for shown in list(self._shown))

    def _cell(
        self,
        compute: Callable[[], Any],
        ready: Callable[[], bool],
        batches: Callable[[Running], list[int]],
        is_score: bool = False,
    ) -> Cell:
        shown = Shown(Cell(self.propagation, 0, compute), batches, is_score)
        shown.cell.when(ready, lambda: self._attach(shown), lambda: self._detach(shown))
        return shown.cell

    def _attach(self, shown: Shown) -> None:
        self._shown.append(shown)
        if self._running is not None:
            if self._running.attach(shown):
                self._order.do(self._wave)
        elif not self._inlets:
            self._begin()
            self._order.advance()
        if self._is_over(shown):
            shown.cell.finish()

    def _detach(self, shown: Shown) -> None:
        if shown in self._shown:
            self._shown.remove(shown)
            if self._running is not None:
                self._running.detach(shown)

    def _is_over(self, shown: Shown) -> bool:
        finished = {inlet.array.name for inlet in self._inlets.values() if inlet.is_finished}
        if not finished:
            return False
        if self._running is None or shown.is_score:
            return len(finished) == len(self._inlets)
        needed = set().union(*(self._running.dependencies.data[n] for n in shown.batches(self._running)))
        return bool(needed) and needed <= finished

    def _inlet(self, reference: Reference) -> Inlet:
        inlet = self._inlets.get(reference.array.id)
        if inlet is None:
            raise ModelError(f"{reference!r} is no data variable of this graph: only a datavar takes values")
        return inlet

    def _changed(self, inlet: Inlet) -> None:
        if not all(other.is_complete for other in self._inlets.values()):
            return
        if self._running is None:
            self._begin()
        else:
            self._running.renew(self._data(), inlet.array.name)
            for shown in self._shown:
                if shown.is_score:
                    self.propagation.mark(shown.cell.unit)
        self._order.advance()

    def _wave(self) -> None:
        """Run what is marked, and again where messages came out of pipelines meanwhile.

        On a tree no more waves are needed than there are cut edges; what a cycle leaves over waits for the next datum.
        """
        self._again = False
        self.propagation.run()
        for _ in range(self._running.waves if self._running is not None else 0):
            if not self._again:
                break
            self._again = False
            self.propagation.run()

    def _check_not_begun(self, what: str) -> None:
        if self._running is not None:
            raise ModelError(f"{what} must be set before the data are complete")

    def _data(self) -> Mapping[str, Any]:
        return {inlet.array.name: inlet.value for inlet in self._inlets.values()}

    def _begin(self) -> None:
        random = [array for array in self.graph.random if array.size]
        initial = {i: self._initial[array.id] for i, array in enumerate(random) if array.id in self._initial}
        plan = Plan(self.graph, frozenset(initial), frozenset(self._initial_joints), has_time=True)
        beliefs = plan.beliefs()
        for i, belief in initial.items():
            beliefs.begin(i, belief.broadcast_to((random[i].size,)))
        for key, joint in self._initial_joints.items():
            beliefs.begin_joint(key, joint.broadcast_to((plan.graph.family(key[0]).rows,)))
        plan.messages = {plan.structure.number[array]: message for array, message in self._messages.items()}
        plan.edge_messages = self._edge_messages
        beliefs.clamp(self._data())
        self._running = Running(plan, beliefs, self.held, self.propagation.mark)
        for border in plan.structure.borders.values():
            given = self._edge_messages.get((border.cluster.family.id, border.interface))
            border.latest = border.latest if given is None else given
            border.forward = connected(border.stage, border.origin, partial(self.arrived, border), self.fail)
        for shown in self._shown:
            self._running.attach(shown)
        for unit in self._running.units:
            self.propagation.mark(unit)


def _check_random(reference: Reference) -> None:
    if reference.array.kind != "random":
        raise ModelError(f"{reference!r} is {reference.array.kind}: only a random variable has a marginal")


def _check_distribution(family: Family, belief: object, what: str) -> None:
    if not isinstance(belief, Distribution):
        raise DataError(family.site.letter(f"{what} must be a distribution, not {belief!r}"))
    if belief.batch_shape not in ((), (1,), (family.rows,)):
        raise DataError(
            family.site.letter(f"{what} has batch shape {belief.batch_shape}; the statement has {family.rows} rows")
        )


def _checked_message(family: Family, name: str, message: Distribution) -> Distribution:
    """A first message towards an interface: one for all rows of the statement, or one each."""
    what = f"the initial message towards `{name}` of {family.node.name}"
    _check_distribution(family, message, what)
    rank = family.node.interface(name).event_rank
    if rank is not None and len(message.event_shape) != rank:
        raise DataError(family.site.letter(f"{what} is about values of shape {message.event_shape}, not of rank {rank}"))
    return message


def _check_whole(reference: Reference, what: str) -> None:
    if not reference.is_whole:
        raise ModelError(f"set the initial {what} of the whole array `{reference.array.name}`")


def live(graph: Graph) -> LiveGraph:
    """The live side of a graph, made on first use.

    Raises:
        ModelError: this is no graph.
    """
    if not isinstance(graph, Graph):
        raise ModelError(f"{graph!r} is no graph; write  graph, (y, x) = model_function(...)")
    found: LiveGraph | None = vars(graph).get("_live")
    if found is None:
        found = vars(graph)["_live"] = LiveGraph(graph)
    return found


def is_live(graph: Graph) -> bool:
    """Whether a graph has a live side."""
    return "_live" in vars(graph)
