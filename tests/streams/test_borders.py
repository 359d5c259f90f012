"""Regions that are cut by delays: sums, categories, cycles, cuts by colour; against the uncut models."""

import numpy as np

from reactivepgm import (
    AsyncPipelineStage,
    Bernoulli,
    Categorical,
    DiscreteTransition,
    Gamma,
    LoggerPipelineStage,
    NormalMeanPrecision,
    NormalMeanVariance,
    NormalMixture,
    PendingScheduler,
    PipelineStage,
    ScheduleOnPipelineStage,
    bethe_free_energy,
    datavar,
    infer,
    marginal,
    message,
    model,
    randomvar,
    set_marginal,
    update,
)


def follow(cell):
    seen = []
    cell.subscribe(seen.append)
    return seen


def compared(build, values, names, **options):
    """The last posteriors of the cut model and those of the same model without delays."""
    graph, (y, *variables) = build(AsyncPipelineStage())()
    seen, scores = [follow(marginal(v)) for v in variables], follow(bethe_free_energy(graph))
    update(y, values)
    whole = build(None)()
    plain, _ = whole
    result = infer(plain, data={"y": values}, free_energy=True, **options)
    for each, name in zip(seen, names, strict=True):
        yield each[-1], result.posteriors[name]
    np.testing.assert_allclose(scores[-1], result.free_energy[-1], rtol=1e-9)


def test_a_cut_sum():
    def build(stage):
        @model
        def summed():
            y = datavar(float)
            a = ~NormalMeanVariance(1.0, 2.0)
            b = ~NormalMeanVariance(-1.0, 3.0)
            c = ~(a + b)
            d = ~NormalMeanVariance(c, 1.0).where(pipeline=stage)
            y[...] = ~NormalMeanVariance(d, 1.0)
            return y, a, b, c, d

        return summed

    for cut, whole in compared(build, 3.0, ("a", "b", "c", "d")):
        np.testing.assert_allclose([cut.mean, cut.variance], [whole.mean, whole.variance], rtol=1e-10)


def test_cut_transitions_between_categories():
    def build(stage):
        @model
        def hidden():
            s, y = randomvar(5), datavar(float, 5)
            s[0] = ~Categorical([0.6, 0.4])
            s[1:] = ~DiscreteTransition(s[:-1], np.array([[0.9, 0.2], [0.1, 0.8]])).where(pipeline=stage)
            y[:] = ~NormalMixture(s, (-1.0, 1.0), (1.0, 1.0))
            return y, s

        return hidden

    for cut, whole in compared(build, [-1.0, 0.5, 2.0, 1.0, -0.5], ("s",)):
        np.testing.assert_allclose(cut.p, whole.p, rtol=1e-10)


def test_a_border_in_the_middle_of_long_pieces():
    def build(stage):
        @model
        def pieces():
            x, z, y = randomvar(40), randomvar(40), datavar(float, 80)
            x[0] = ~NormalMeanVariance(0.0, 10.0)
            x[1:] = ~NormalMeanVariance(x[:-1], 1.0)
            z[0] = ~NormalMeanVariance(x[39], 0.5).where(pipeline=stage)
            z[1:] = ~NormalMeanVariance(z[:-1], 1.0)
            y[:40] = ~NormalMeanVariance(x, 1.0)
            y[40:] = ~NormalMeanVariance(z, 1.0)
            return y, x, z

        return pieces

    for cut, whole in compared(build, np.sin(np.arange(80) / 5), ("x", "z")):
        np.testing.assert_allclose(cut.mean, whole.mean, rtol=1e-9)
        np.testing.assert_allclose(cut.variance, whole.variance, rtol=1e-9)


def test_a_cut_joint_under_a_shared_precision():
    def build(stage):
        @model
        def walk():
            x, y = randomvar(6), datavar(float, 6)
            w = ~Gamma(shape=2.0, rate=1.0)
            x[0] = ~NormalMeanVariance(0.0, 10.0)
            x[1:] = ~NormalMeanPrecision(x[:-1], w).where(q="q(out, mean) q(precision)", pipeline=stage)
            y[:] = ~NormalMeanVariance(x, 1.0)
            return y, x, w

        return walk

    values = [0.0, 1.0, 0.5, 2.0, 1.5, 3.0]
    _, (y, x, w) = build(AsyncPipelineStage())()
    set_marginal(w, Gamma(shape=2.0, rate=1.0))
    beliefs, rates = follow(marginal(x)), follow(marginal(w))
    for _ in range(60):
        update(y, values)
    plain, _ = build(None)()
    start = {"w": Gamma(shape=2.0, rate=1.0)}
    whole = infer(plain, data={"y": values}, initialisation=start, iterations=100)
    np.testing.assert_allclose(rates[-1].rate, whole.posteriors["w"].rate, rtol=1e-8)
    np.testing.assert_allclose(beliefs[-1].mean, whole.posteriors["x"].mean, rtol=1e-8)


def test_delays_beside_cuts_by_colour():
    def build(stage):
        @model
        def chain():
            x, y = randomvar(6), datavar(float, 6)
            x[0] = ~NormalMeanVariance(0.0, 10.0)
            x[1:] = ~NormalMeanVariance(x[:-1], 1.0).where(q="q(out) q(mean)", pipeline=stage)
            y[:] = ~NormalMeanVariance(x, 1.0)
            return y, x

        return chain

    values = [0.0, 1.0, 0.5, 2.0, 1.5, 3.0]
    _, (y, x) = build(AsyncPipelineStage())()
    start = NormalMeanVariance(0.0, 1.0)
    set_marginal(x, start)
    beliefs = follow(marginal(x))
    for _ in range(100):
        update(y, values)
    plain, _ = build(None)()
    whole = infer(plain, data={"y": values}, initialisation={"x": start}, iterations=100).posteriors["x"]
    np.testing.assert_allclose(beliefs[-1].mean, whole.mean, rtol=1e-8)
    np.testing.assert_allclose(beliefs[-1].variance, whole.variance, rtol=1e-8)


def test_a_cycle_through_a_border_goes_round_by_releases():
    scheduler = PendingScheduler()

    @model
    def ring():
        y = datavar(float, 2)
        x = randomvar(3)
        x[0] = ~NormalMeanVariance(1.0, 2.0)
        x[1] = ~NormalMeanVariance(x[0], 1.0).where(pipeline=ScheduleOnPipelineStage(scheduler))
        x[2] = ~NormalMeanVariance(x[1], 1.0)
        d = ~(x[2] - x[0])
        y[0] = ~NormalMeanVariance(d, 1.0)
        y[1] = ~NormalMeanVariance(x[1], 1.0)
        return y, x

    _, (y, x) = ring()
    beliefs = follow(marginal(x))
    update(y, [1.0, -1.0])
    for _ in range(200):
        scheduler.release()
    precision = np.array([[2.5, -1.0, -1.0], [-1.0, 3.0, -1.0], [-1.0, -1.0, 2.0]])
    mean = np.linalg.solve(precision, [0.5 - 1.0, -1.0, 1.0])
    np.testing.assert_allclose(beliefs[-1].mean, mean, rtol=1e-8)
    assert scheduler.pending <= 2


def test_a_tap_on_a_contracted_discrete_region_sees_its_messages():
    lines = []

    @model
    def hidden(y):
        s = randomvar(3)
        s[0] = ~Bernoulli(0.4)
        s[1:] = ~DiscreteTransition(s[:-1], np.array([[0.9, 0.2], [0.1, 0.8]])).where(
            pipeline=LoggerPipelineStage(lines.append, rows=True)
        )
        y[:] = ~NormalMixture(s, (-1.0, 1.0), (1.0, 1.0))

    infer(hidden(), data={"y": [0.0, 1.0, -1.0]})
    assert [line.split(":")[0] for line in lines] == [
        f"DiscreteTransition -> {end} [{row}]" for end in ("out", "in") for row in (0, 1)
    ]


class Damping(PipelineStage):
    """Half of the old message stays, in natural parameters."""

    def __init__(self):
        self.old = {}

    def apply(self, message, origin):
        key = origin.family.id, origin.interface, () if origin.rows is None else tuple(origin.rows)
        parts = message.naturals()
        mixed = [0.5 * new + 0.5 * old for new, old in zip(parts, self.old.get(key, parts), strict=True)]
        self.old[key] = mixed
        return message.group.from_naturals(*mixed)


def test_a_stage_that_damps_leads_a_cycle_to_the_same_means():
    def build(stage):
        @model
        def ring(y):
            x = randomvar(3)
            x[:] = ~NormalMeanVariance(0.0, 2.0)
            x_next = randomvar(3)
            for i in range(3):
                x_next[i] = ~NormalMeanVariance(x[i], 1.0).where(pipeline=stage)
            for i in range(3):
                d = ~(x_next[i] - x[(i + 1) % 3])
                y[i] = ~NormalMeanVariance(d, 1.0)

        return ring

    data = {"y": [1.0, 0.0, -1.0]}
    stage = Damping()
    damped = infer(build(stage)(), data=data, iterations=500, tolerance=1e-12)
    plain = infer(build(None)(), data=data, iterations=500, tolerance=1e-12)
    assert damped.converged
    assert len(stage.old) == 2
    np.testing.assert_allclose(damped.posteriors["x"].mean, plain.posteriors["x"].mean, rtol=1e-8)


def test_the_message_on_a_delayed_edge_is_the_one_that_came_out():
    scheduler = PendingScheduler()

    @model
    def late():
        y, x = datavar(float), ~NormalMeanVariance(3.0, 1.0)
        node, z = ~NormalMeanVariance(x, 1.0).where(pipeline=ScheduleOnPipelineStage(scheduler))
        y[...] = ~NormalMeanVariance(z, 1.0)
        return y, z, node

    _, (y, z, node) = late()
    beliefs, joints = follow(marginal(z)), follow(marginal(node, "out_mean"))
    update(y, 1.0)
    assert beliefs == [NormalMeanVariance(1.0, 1.0)]
    scheduler.release()
    np.testing.assert_allclose([beliefs[-1].mean, beliefs[-1].variance], [5 / 3, 2 / 3])
    out = follow(message(node, "out"))[-1]
    np.testing.assert_allclose([out.mean, out.variance], [3.0, 2.0])
    np.testing.assert_allclose(joints[-1].mean, [5 / 3, 7 / 3])
