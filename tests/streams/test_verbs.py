"""Skip strategies, initial values, resending, finishing, holding, batches; and who runs how often."""

import gc
import threading
import weakref

import numpy as np
import pytest
from reactivex import operators

from reactivepgm import (
    Bernoulli,
    Beta,
    DataError,
    Gamma,
    IncludeAll,
    MissingInitialError,
    ModelError,
    MvNormalMeanCovariance,
    NormalMeanPrecision,
    NormalMeanVariance,
    SkipClamped,
    SkipClampedAndInitial,
    ThreadError,
    bethe_free_energy,
    datavar,
    finish,
    infer,
    live,
    marginal,
    marginals,
    model,
    q,
    randomvar,
    resend,
    schedule_updates,
    set_marginal,
    set_marginals,
    set_message,
    update,
)
from reactivepgm.streams import Cell, Propagation


@model
def coins():
    a, b = datavar(float), datavar(float)
    p = ~Beta(a=1.0, b=1.0)
    r = ~Beta(a=1.0, b=1.0)
    free = ~Beta(a=2.0, b=3.0)
    a[...] = ~Bernoulli(p)
    b[...] = ~Bernoulli(r)
    return a, b, p, r, free


@model
def noisy():
    y = datavar(float, 4)
    m = ~NormalMeanVariance(0.0, 10.0)
    w = ~Gamma(shape=1.0, rate=1.0)
    y[:] = ~NormalMeanPrecision(m, w).where(q=q(m) * q(w))
    return y, m, w


VALUES = [1.0, 2.0, 3.0, 2.5]


def follow(cell):
    seen = []
    cell.subscribe(seen.append, seen.append, lambda: seen.append("end"))
    return seen


# -- what is shown


def test_initial_marginals_are_skipped_unless_asked_for():
    """
    set_marginal       i---
    update             --1-
    IncludeAll         i-p-
    SkipInitial        --p-
    """
    _, (y, _, w) = noisy()
    first = Gamma(shape=1.0, rate=1.0)
    early = follow(marginal(w, skip=IncludeAll()))
    set_marginal(w, first)
    late, skipping = follow(marginal(w, skip=IncludeAll())), follow(marginal(w))
    update(y, VALUES)
    assert early[0] == late[0] == first
    assert early[1:] == late[1:] == skipping
    assert len(skipping) == 1


def test_what_follows_from_constants_alone_can_be_skipped():
    _, (a, b, p, _, free) = coins()
    seen = [follow(marginal(free, skip=skip)) for skip in (IncludeAll(), SkipClamped(), SkipClampedAndInitial())]
    moving = follow(marginal(p, skip=SkipClamped()))
    update(a, 1.0)
    update(b, 1.0)
    assert [len(each) for each in seen] == [1, 0, 0]
    assert moving == [Beta(2.0, 1.0)]
    assert repr(SkipClamped()) == "SkipClamped()"


def test_a_graph_without_data_needs_no_update():
    @model
    def prior():
        x = ~NormalMeanVariance(0.0, 1.0)
        return ~NormalMeanVariance(x, 1.0)

    _, z = prior()
    assert follow(marginal(z)) == [NormalMeanVariance(0.0, 2.0)]


def test_several_initial_marginals_and_a_joint():
    @model
    def structured():
        y = datavar(float, 3)
        x = randomvar(3)
        w = ~Gamma(shape=1.0, rate=1.0)
        x[0] = ~NormalMeanVariance(0.0, 1.0)
        step, x[1:] = ~NormalMeanPrecision(x[:-1], w).where(q="q(out, mean) q(precision)")
        y[:] = ~NormalMeanVariance(x, 1.0)
        return y, x, w, step

    _, (y, x, w, step) = structured()
    set_marginal(step, "out_mean", MvNormalMeanCovariance(np.zeros(2), np.eye(2)))
    set_marginals({x: NormalMeanVariance(0.0, 1.0)})
    seen = follow(marginal(w))
    update(y, [1.0, 2.0, 3.0])
    np.testing.assert_allclose([seen[0].shape, seen[0].rate], [2.0, 1.0 + 2 * 0.5 * 2.0])
    with pytest.raises(ModelError, match="before the data are complete"):
        set_marginal(step, "out_mean", MvNormalMeanCovariance(np.zeros(2), np.eye(2)))
    with pytest.raises(ModelError, match="its clusters are out_mean, precision"):
        _, (_, _, _, other) = structured()
        set_marginal(other, "mean_precision", Gamma(shape=1.0, rate=1.0))


def test_a_first_message_starts_a_cycle():
    @model
    def ring():
        y = datavar(float, 3)
        x = randomvar(3)
        x[:] = ~NormalMeanVariance(0.0, 1.0)
        for i, j in ((0, 1), (1, 2), (2, 0)):
            d = ~(x[i] - x[j])
            y[i] = ~NormalMeanVariance(d, 1.0)
        return y, x

    graph, (y, x) = ring()
    set_message(x, NormalMeanVariance(0.0, 5.0))
    seen = follow(marginal(x))
    update(y, [1.0, 0.0, -1.0])
    for _ in range(100):
        resend(y)
    plain = infer(graph, data={"y": [1.0, 0.0, -1.0]}, iterations=200).posteriors["x"]
    np.testing.assert_allclose(seen[-1].mean, plain.mean, rtol=1e-8)


# -- data again, and no more


def test_resend_repeats_the_last_value():
    """
    update    --1-------
    resend    ----r--r--
    w         --w-w'-w''    one more iteration each
    """
    graph, (y, _, w) = noisy()
    set_marginal(w, Gamma(shape=1.0, rate=1.0))
    seen, scores = follow(marginal(w)), follow(bethe_free_energy(graph))
    with pytest.raises(DataError, match="no value yet"):
        resend(y)
    update(y, VALUES)
    resend(y)
    resend(y[1])
    assert len(seen) == 3
    assert (np.diff(scores) < 0).all()


def test_finished_data_complete_what_depends_on_them_alone():
    """
    a       --1--|
    b       --0-----1--|
    p(a)    --p--|
    r(b)    --r-----r'-|
    score   --F-----F'-|
    """
    graph, (a, b, p, r, _) = coins()
    first, second, scores = follow(marginal(p)), follow(marginal(r)), follow(bethe_free_energy(graph))
    update(a, 1.0)
    update(b, 0.0)
    finish(a)
    update(b, 1.0)
    assert first == [Beta(2.0, 1.0), "end"]
    finish(b)
    assert second == [Beta(1.0, 2.0), Beta(2.0, 1.0), "end"]
    assert scores[-1] == "end"
    assert follow(marginal(p)) == [Beta(2.0, 1.0), "end"]
    with pytest.raises(DataError, match="`a` was finished"):
        update(a, 0.0)


def test_finish_before_any_value_completes_everything():
    _, (a, b, p, _, _) = coins()
    seen = follow(marginal(p))
    finish(a)
    assert seen == []
    finish(b)
    assert seen == ["end"]


# -- when


def test_held_posteriors_wait_for_their_release():
    """
    a         --1---0------
    b         --1-----0----
    release   ----r-----r--
    p held    ----p-----p'-
    r         --r-----r'---
    """
    _, (a, b, p, r, _) = coins()
    held = schedule_updates(p)
    seen, free = follow(marginal(p)), follow(marginal(r))
    update(a, 1.0)
    update(b, 1.0)
    assert (len(seen), len(free)) == (0, 1)
    held.release()
    assert seen == [Beta(2.0, 1.0)]
    update(a, 0.0)
    update(b, 0.0)
    assert (len(seen), len(free)) == (1, 2)
    held.release()
    assert seen == [Beta(2.0, 1.0), Beta(1.0, 2.0)]
    held.dispose()
    update(a, 1.0)
    assert len(seen) == 3
    with pytest.raises(ModelError, match="needs the variables"):
        schedule_updates()
    with pytest.raises(ModelError, match="only a random variable"):
        schedule_updates(a)


def test_what_reads_a_held_posterior_reads_the_old_one():
    _, (y, m, w) = noisy()
    set_marginals([(w, Gamma(shape=1.0, rate=1.0))])
    held = schedule_updates(w)
    means, rates = follow(marginal(m)), follow(marginal(w))
    update(y, VALUES)
    update(y, VALUES)
    assert rates == []
    assert means[0] == means[1]
    held.release()
    update(y, VALUES)
    assert len(rates) == 1
    assert means[-1] != means[0]


def test_several_updates_in_a_batch_make_one_propagation():
    """
    a      --1--0---
    b      ---1--0--
    batch  [  ][  ]
    score  ---F---F'
    """
    graph, (a, b, p, _, _) = coins()
    seen, scores = follow(marginal(p)), follow(bethe_free_energy(graph))
    for values in ((1.0, 1.0), (0.0, 0.0)):
        with live(graph).batch():
            update(a, values[0])
            update(b, values[1])
    assert len(scores) == 2
    assert seen == [Beta(2.0, 1.0), Beta(1.0, 2.0)]


def test_a_batch_of_a_subscriber_makes_one_propagation_after_the_present_one():
    """
    a      --1-----------
    b      ---1----------
    batch       [00][11]     (made by who hears of the first posterior; the inner batch is a part of the outer)
    score  ---F-F'---F''-
    """
    graph, (a, b, p, _, _) = coins()
    scores, events = follow(bethe_free_energy(graph)), []

    def answer(belief):
        events.append(belief)
        if len(events) == 1:
            for value in (0.0, 1.0):
                with live(graph).batch():
                    update(a, value)
                    with live(graph).batch():
                        update(b, value)
                assert len(events) == 1  # nobody is told in the middle of the first wave

    marginal(p).subscribe(answer)
    update(a, 1.0)
    update(b, 1.0)
    assert events == [Beta(2.0, 1.0), Beta(1.0, 2.0), Beta(2.0, 1.0)]
    assert len(scores) == 3


def test_verbs_without_a_graph_or_a_variable_say_so():
    with pytest.raises(ModelError, match="3 is no graph"):
        live(3)
    with pytest.raises(ModelError, match="3 is no graph"):
        bethe_free_energy(3)
    with pytest.raises(ModelError, match="finish needs the data variables"):
        finish()


def test_what_a_batch_brought_before_it_failed_is_not_lost():
    graph, (a, b, p, _, _) = coins()
    seen = follow(marginal(p))
    with pytest.raises(ZeroDivisionError), live(graph).batch():
        update(a, 1.0)
        update(b, 1.0)
        raise ZeroDivisionError
    assert seen == [Beta(2.0, 1.0)]


# -- who runs


def test_in_a_diamond_every_batch_and_every_cell_runs_once_an_update():
    @model
    def diamond():
        y = datavar(float, 2)
        top = ~NormalMeanVariance(0.0, 1.0)
        left = ~NormalMeanVariance(top, 1.0).where(q="q(out) q(mean)")
        right = ~NormalMeanVariance(top, 1.0).where(q="q(out) q(mean)")
        y[0] = ~NormalMeanVariance(left, 1.0)
        y[1] = ~NormalMeanVariance(right, 1.0)
        return y, top, left, right

    graph, (y, top, left, right) = diamond()
    for variable in (top, left, right):
        set_marginal(variable, NormalMeanVariance(0.0, 1.0))
    cells = [*marginals([top, left, right]), bethe_free_energy(graph)]
    seen = [follow(cell) for cell in cells]
    update(y, [1.0, 2.0])
    units = live(graph).running.units
    before = [unit.runs for unit in units]
    counts = [len(each) for each in seen]
    update(y, [2.0, 1.0])
    assert [unit.runs - count for unit, count in zip(units, before, strict=True)] == [1, 1, 1]
    assert [len(each) - count for each, count in zip(seen, counts, strict=True)] == [1, 1, 1, 1]


def test_one_datum_among_many_runs_only_what_depends_on_it():
    @model
    def apart():
        a, b, c = datavar(float), datavar(float), datavar(float)
        p, r, s = ~Beta(a=1.0, b=1.0), ~Beta(a=1.0, b=1.0), ~Beta(a=1.0, b=1.0)
        a[...] = ~Bernoulli(p)
        b[...] = ~Bernoulli(r)
        c[...] = ~Bernoulli(s)
        return (a, b, c), (p, r, s)

    graph, (data, beliefs) = apart()
    seen = [follow(cell) for cell in marginals(beliefs)]
    for y in data:
        update(y, 1.0)
    before = [unit.runs for unit in live(graph).running.units]
    update(data[1], 0.0)
    after = [unit.runs for unit in live(graph).running.units]
    assert [x - y for x, y in zip(after, before, strict=True)] == [0, 1, 0]
    assert [len(each) for each in seen] == [1, 2, 1]


def test_unsubscribing_stops_the_work_and_lets_the_cell_go():
    graph, (a, b, p, _, _) = coins()
    cell, score = marginal(p), bethe_free_energy(graph)
    one, two, third = cell.subscribe(), cell.subscribe(), score.subscribe()
    update(a, 1.0)
    update(b, 1.0)
    assert (cell.unit.runs, score.unit.runs) == (1, 1)
    one.dispose()
    update(a, 0.0)
    assert cell.unit.runs == 2
    two.dispose()
    third.dispose()
    update(a, 1.0)
    assert (cell.unit.runs, score.unit.runs) == (2, 2)
    assert not live(graph)._shown
    gone = weakref.ref(cell)
    del cell, one, two
    gc.collect()
    assert gone() is None


def test_a_graph_and_its_live_side_are_collected_together():
    graph, (a, b, p, _, _) = coins()
    follow(marginal(p))
    update(a, 1.0)
    update(b, 1.0)
    gone = weakref.ref(graph)
    del graph, a, b, p, _
    gc.collect()
    assert gone() is None


def test_cells_are_observables_like_any_other():
    _, (a, b, p, r, _) = coins()
    seen = follow(
        marginal(p).pipe(
            operators.map(lambda belief: belief.mean),
            operators.combine_latest(marginal(r).pipe(operators.map(lambda belief: belief.mean))),
            operators.take(2),
        )
    )
    for value in (1.0, 0.0, 1.0):
        update(a, value)
        update(b, value)
    np.testing.assert_allclose(seen[:2], [(2 / 3, 2 / 3), (1 / 3, 2 / 3)])
    assert seen[2:] == ["end"]


def test_an_update_by_a_subscriber_is_done_before_the_outer_one_returns():
    """
    a            --1-------
    subscriber   ---b:0----
    r            ---r------
    """
    graph, (a, b, p, r, _) = coins()
    update(b, 1.0)
    seen = follow(marginal(r))
    marginal(p).subscribe(lambda belief: update(b, 0.0))
    late = follow(marginal(p))
    update(a, 1.0)
    assert seen == [Beta(2.0, 1.0), Beta(1.0, 2.0)]
    assert late == [Beta(2.0, 1.0)]
    runs = [unit.runs for unit in live(graph).running.units]
    update(b, 1.0)
    assert [unit.runs for unit in live(graph).running.units] == [runs[0], runs[1] + 1, runs[2]]
    assert seen[-1] == Beta(2.0, 1.0)


def test_updates_by_subscribers_keep_their_order_and_need_no_recursion():
    """
    a   --1-0-1-0- ... each by the subscriber of the one before
    p   --p-p-p-p- ... in that order, at every subscriber
    """
    _, (a, b, p, _, _) = coins()
    update(b, 1.0)
    flips = iter([float(k % 2) for k in range(1100)])

    def push(belief):
        for flip in flips:
            update(a, flip)
            return

    first = follow(marginal(p))
    marginal(p).subscribe(push)
    last = follow(marginal(p))
    update(a, 1.0)
    assert first == last
    assert first == [Beta(2.0, 1.0)] + [Beta(1.0 + k % 2, 2.0 - k % 2) for k in range(1100)]


def test_an_update_while_a_value_is_replayed_reaches_the_new_subscriber():
    _, (a, b, p, _, _) = coins()
    update(a, 1.0)
    update(b, 1.0)
    seen = []
    more = iter([0.0])

    def listen(belief):
        seen.append(belief)
        for flip in more:
            update(a, flip)

    marginal(p).subscribe(listen)
    assert seen == [Beta(2.0, 1.0), Beta(1.0, 2.0)]


def test_a_subscriber_of_another_thread_is_refused_and_a_disposal_waits_for_the_graphs_own():
    graph, (a, b, p, _, _) = coins()
    update(b, 1.0)
    errors = []
    seen = []
    subscription = marginal(p).subscribe(seen.append)
    update(a, 1.0)

    def elsewhere():
        marginal(p).subscribe(print, errors.append)
        subscription.dispose()

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert isinstance(errors[0], ThreadError)
    assert "observe_on" in str(errors[0])
    update(a, 0.0)
    assert seen == [Beta(2.0, 1.0)]
    assert all(not unit.dependents for unit in live(graph).running.units)


def test_an_error_reaches_every_subscriber_even_if_one_has_no_ear_for_it():
    cell = Cell(Propagation(), height=0)
    told = []
    cell.subscribe(print)
    cell.subscribe(print, on_error=told.append)
    with pytest.raises(ValueError, match="broken"):
        cell.fail(ValueError("broken"))
    assert str(told[0]) == "broken"


def test_a_missing_initial_marginal_is_named():
    _, (y, _, _) = noisy()
    with pytest.raises(MissingInitialError, match="`m`, `w`"):
        update(y, VALUES)


def test_what_nobody_listens_to_does_not_run_until_somebody_does():
    """
    data       --1--2----3--
    listener   --|    ^-----     (was there, went, came)
    sweeps     --x----x--x--
    """
    graph, (y, m, w) = noisy()
    set_marginals([(w, Gamma(shape=1.0, rate=1.0))])
    subscription = marginal(m).subscribe()
    update(y, VALUES)
    units = live(graph).running.units
    begun = [unit.runs for unit in units]
    subscription.dispose()
    for shift in (1.0, 2.0, 3.0):
        update(y, np.asarray(VALUES) + shift)
    assert [unit.runs for unit in units] == begun
    seen = follow(marginal(m))
    once = [unit.runs for unit in units]
    assert once == [runs + 1 for runs in begun]
    assert len(seen) == 1
    assert seen[0].mean == pytest.approx(np.mean(VALUES) + 3.0, abs=0.5)
    again = follow(marginal(w))
    assert [unit.runs for unit in units] == once  # who only looks changes nothing
    update(y, VALUES)
    assert (len(seen), len(again)) == (2, 2)


def test_independent_parts_run_only_where_somebody_listens():
    @model
    def apart():
        a, b = datavar(float), datavar(float)
        p, r = ~Beta(a=1.0, b=1.0), ~Beta(a=1.0, b=1.0)
        a[...] = ~Bernoulli(p)
        b[...] = ~Bernoulli(r)
        return a, b, p, r

    graph, (a, b, p, r) = apart()
    seen = follow(marginal(p))
    for value in (1.0, 0.0):
        update(a, value)
        update(b, value)
    runs = sorted(unit.runs for unit in live(graph).running.units)
    assert runs[0] == 0
    assert seen == [Beta(2.0, 1.0), Beta(1.0, 2.0)]
    assert follow(marginal(r)) == [Beta(1.0, 2.0)]
