"""The work-list: in order of height, each unit once, at any depth."""

import threading
from itertools import pairwise

import pytest

from reactivepgm.errors import ThreadError
from reactivepgm.streams.cell import Cell
from reactivepgm.streams.propagation import Propagation, Unit


def test_a_diamond_runs_each_unit_once():
    order = []
    propagation = Propagation()
    bottom, left, right, top = (
        Unit(height, lambda name=name: order.append(name))
        for height, name in ((1, "bottom"), (2, "left"), (2, "right"), (3, "top"))
    )
    bottom.dependents, left.dependents, right.dependents = [left, right], [top], [top]
    propagation.mark(bottom)
    propagation.run()
    assert order == ["bottom", "left", "right", "top"]
    assert [unit.runs for unit in (bottom, left, right, top)] == [1, 1, 1, 1]


def test_a_long_chain_needs_no_recursion():
    propagation = Propagation()
    units = [Unit(height, lambda: None) for height in range(50_000)]
    for lower, higher in pairwise(units):
        lower.dependents = [higher]
    propagation.mark(units[0])
    propagation.run()
    assert units[-1].runs == 1


def test_what_a_run_marks_below_waits_for_the_next():
    propagation = Propagation()
    low, high = Unit(1, lambda: None), Unit(2, lambda: None)
    low.dependents, high.dependents = [high], [low]
    propagation.mark(low)
    propagation.run()
    assert (low.runs, high.runs) == (1, 1)
    propagation.run()
    assert (low.runs, high.runs) == (2, 2)


def test_several_marks_in_a_batch_make_one_run():
    propagation = Propagation()
    unit = Unit(1, lambda: None)
    with propagation.batch():
        propagation.mark(unit)
        propagation.run()
        propagation.mark(unit)
        propagation.run()
        assert unit.runs == 0
    assert unit.runs == 1


def test_a_unit_that_is_not_ready_waits():
    arrived = []
    propagation = Propagation()
    unit = Unit(1, lambda: None, lambda: bool(arrived))
    propagation.mark(unit)
    propagation.run()
    assert unit.runs == 0
    arrived.append(1)
    propagation.run()
    assert unit.runs == 1


def test_a_cell_replays_its_value_and_its_end():
    cell = Cell(Propagation(), 0)
    early, late, after = [], [], []
    first = cell.subscribe(early.append)
    cell.push(1)
    cell.subscribe(late.append, on_completed=lambda: late.append("end"))
    first.dispose()
    cell.push(2)
    cell.finish()
    cell.subscribe(after.append, on_completed=lambda: after.append("end"))
    assert (early, late, after) == ([1], [1, 2, "end"], [2, "end"])


def test_a_cell_composes_with_operators():
    from reactivex import operators

    cell = Cell(Propagation(), 0)
    seen = []
    cell.pipe(operators.map(lambda x: 10 * x), operators.take(2)).subscribe(seen.append)
    for value in (1, 2, 3):
        cell.push(value)
    assert seen == [10, 20]
    assert not cell.is_observed


def test_a_second_thread_is_refused():
    propagation = Propagation()
    caught = []

    def push():
        try:
            propagation.check_thread()
        except ThreadError as error:
            caught.append(str(error))

    thread = threading.Thread(target=push)
    thread.start()
    thread.join()
    with pytest.raises(ThreadError, match="observe_on"):
        raise ThreadError(caught[0])
