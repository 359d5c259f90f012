"""Traced steps against the calls they come from, bit for bit, over models, branches, raising values and repeats."""

import math

import numpy as np
import pytest

from reactivepgm import (
    GCV,
    Gamma,
    GaussHermiteCubature,
    GCVMeta,
    InvalidParameterError,
    Normal,
    NormalMeanPrecision,
    NormalMeanVariance,
    Poisson,
    infer_online,
    model,
)
from reactivepgm.distributions import PointMass, product
from reactivepgm.numerics.elementary import divide, exp, log, sqrt, where
from reactivepgm.numerics.special import betaln, digamma, gammaln, log_normal_cdf, normal_cdf, sigmoid, trigamma, xlogy
from reactivepgm.plan.script import Script
from reactivepgm.plan.symbols import CannotTraceError, Tape
from reactivepgm.plan.traced import _source, rehearsed, trace

RNG = np.random.default_rng(11)


def both(function, *values, repeats=1, carried=()):
    """The outputs of a one-call script, by calls and traced."""
    script = Script()
    slots = [script.input(f"a{i}", value) for i, value in enumerate(values)]
    out = script.call(function, *slots)
    pairs = {slots[i]: out for i in carried}
    return script, script.compile(slots, [out], pairs, repeats), trace(script, slots, [out], pairs, repeats)


SMOOTH = [
    lambda a, b: a + 2.0 * b - a * b / (1.0 + b * b),
    lambda a, b: -a + 3.0 - (2.0 - b) ** 2,
    lambda a, b: exp(-abs(a)) + log(b) + sqrt(b),
    lambda a, b: gammaln(b) + digamma(b) * trigamma(b) - betaln(b, 2.0),
    lambda a, b: sigmoid(a) + normal_cdf(a) + log_normal_cdf(a) + xlogy(b, b),
    lambda a, b: where(a > b, a, b) + where((a > 0.0) & (b > 1.0), 1.0, a),
    divide,
    lambda a, b: np.float64(2.0) * a + np.array(3.0) / b,
]


@pytest.mark.parametrize("number", range(len(SMOOTH)))
def test_arithmetic_to_the_last_bit(number):
    _, calls, traced = both(SMOOTH[number], 0.5, 1.5)
    for a, b in zip(RNG.normal(size=50).tolist(), RNG.gamma(2.0, size=50).tolist(), strict=True):
        assert traced(a, b) == calls(a, b)


def test_beliefs_and_products():
    script = Script()
    slots = [script.input(name, 1.0) for name in "mvy"]
    made = [script.call(NormalMeanVariance._of, slots[0], slots[1]), script.call(PointMass._of, slots[2])]
    out = script.call(lambda a, b: product(a, NormalMeanPrecision._of(b.mean, 2.0)), *made)
    calls, traced = script.compile(slots, [out, made[0]]), trace(script, slots, [out, made[0]])
    for values in RNG.gamma(2.0, size=(20, 3)).tolist():
        assert traced(*values) == calls(*values)


def test_branches_become_choices():
    def folded(x):
        if x > 0.0:
            return x if x < 1.0 else 1.0 / x
        return -x

    _, calls, traced = both(folded, 0.5)
    for x in (0.5, 3.0, 1.0, 0.0, -2.0, math.inf, math.nan):
        np.testing.assert_array_equal(traced(x), calls(x))


def test_a_branch_that_raises_raises_as_the_calls_do():
    def strict(x):
        if x < 0.0:
            raise InvalidParameterError("below zero")
        return x + 1.0

    _, _, traced = both(strict, 1.0)
    assert traced(2.0) == (3.0,)
    with pytest.raises(InvalidParameterError, match="below zero"):
        traced(-1.0)


def test_where_floats_raise_the_value_of_arrays_comes():
    _, calls, traced = both(divide, 1.0, 2.0)
    for pair in ((1.0, 0.0), (-1.0, 0.0), (0.0, 0.0), (1.0, -0.0)):
        np.testing.assert_array_equal(traced(*pair), calls(*pair))
    _, calls, traced = both(lambda a, b: exp(a) * b, 1.0, 2.0)
    assert traced(1000.0, 1.0) == calls(1000.0, 1.0) == (math.inf,)


def test_what_cannot_be_followed_stays_a_call():
    seen = []

    def sums(a, b):
        seen.append(type(a))
        return float(np.sum(np.array([float(a), float(b)])))

    _, calls, traced = both(sums, 1.0, 2.0)
    assert traced(3.0, 4.0) == calls(3.0, 4.0) == (7.0,)
    assert float in seen


def test_too_many_branches_stay_a_call():
    def bits(x):
        total = 0.0
        for k in range(6):
            if x > float(k):
                total += 1.0
            if x < -float(k):
                total -= 2.0
        return total

    _, calls, traced = both(bits, 0.5)
    for x in (-7.0, -2.5, 0.0, 2.5, 9.0):
        assert traced(x) == calls(x)


@pytest.mark.parametrize("repeats", [1, 2, 3, 10])
def test_repeats_carry_what_they_are_given(repeats):
    script = Script()
    x, y, data = (script.input(name, 1.5) for name in ("x", "y", "data"))
    once = script.call(lambda d: log(d) + 1.0, data)
    new_x = script.call(lambda a, b, k: a * 0.5 + b * k, x, y, once)
    new_y = script.call(lambda a: a + 1.0, x)
    seen = script.call(lambda a, b: a - b, new_x, y)
    arguments = (["x", "y", "data"], [new_x, seen, once], {x: new_x, y: new_y}, repeats)
    calls, traced = script.compile(*arguments), trace(script, *arguments)
    for values in RNG.gamma(2.0, size=(20, 3)).tolist():
        state = list(values[:2])
        for _ in range(repeats):
            k = math.log(values[2]) + 1.0
            state, before = [state[0] * 0.5 + state[1] * k, state[0] + 1.0], state
        assert traced(*values) == (state[0], state[0] - before[1], k)
        assert calls(*values)[0] == state[0]


@pytest.mark.parametrize("repeats", [1, 2, 5])
def test_a_call_that_stays_a_call_sees_the_carried_belief_of_every_repeat(repeats):
    script = Script()
    q = script.input("q", NormalMeanVariance(1.0, 2.0))
    wide = script.call(lambda b: NormalMeanVariance(float(b.mean) + 1.0, float(b.variance) * 2.0), q)
    new = script.call(lambda b: product(b, NormalMeanPrecision._of(0.0, 0.25)), wide)
    arguments = (["q"], [new, wide], {q: new}, repeats)
    assert trace(script, *arguments)(NormalMeanVariance(3.0, 1.5)) == script.compile(*arguments)(NormalMeanVariance(3.0, 1.5))


def test_invariants_are_computed_once():
    script = Script()
    x, data = script.input("x", 1.0), script.input("data", 2.0)
    new = script.call(lambda a, d: a * exp(d), x, data)
    source, _ = _source(script, ["x", "data"], [new], {x: new}, 5)
    before, loop = source.split("for _ in range(4):")
    assert "g0" in before
    assert "g0" not in loop


def test_a_rehearsal_that_fails_keeps_the_calls():
    class Fickle:
        """Another answer whenever it is asked, as no rule may give."""

        count = 0.0

        def __call__(self, x):
            self.count += 1.0
            return x + self.count

    script = Script()
    x = script.input("x", 1.0)
    step = rehearsed(script, ["x"], [script.call(Fickle(), x)])
    answers = [step(0.0)[0] for _ in range(6)]
    assert np.all(np.diff(answers) == 1.0)


def test_symbols_are_no_numbers():
    x = Tape().leaf("x")
    for use in (float, int, np.asarray, len, list):
        with pytest.raises(CannotTraceError):
            use(x)


@model
def counts(y, a, b):
    rate = ~Gamma(shape=a, rate=b)
    y[...] = ~Poisson(rate)


@model
def drifting(y, m, v, a, b):
    before = ~Normal(mean=m, variance=v)
    tau = ~Gamma(shape=a, rate=b)
    x = ~Normal(mean=before, precision=tau)
    y[...] = ~Normal(mean=x, variance=0.5)


@model
def volatile(y, zm, zv, xm, xv, meta):
    z_before = ~Normal(mean=zm, variance=zv)
    z = ~Normal(mean=z_before, variance=0.1)
    x_before = ~Normal(mean=xm, variance=xv)
    x = ~GCV(x_before, z, 1.0, -1.0).where(meta=meta)
    y[...] = ~Normal(mean=x, variance=0.5)


@model
def volatile_by_prediction(y, zm, zv, xm, xv, meta):
    z = ~Normal(mean=zm, variance=zv + 0.1)
    x_before = ~Normal(mean=xm, variance=xv)
    x = ~GCV(x_before, z, 1.0, -1.0).where(meta=meta)
    y[...] = ~Normal(mean=x, variance=0.5)


@model
def walk(y, m, v, a, b):
    before = ~Normal(mean=m, variance=v)
    x = ~Normal(mean=before, variance=1.0)
    tau = ~Gamma(shape=a, rate=b)
    y[...] = ~Normal(mean=x, precision=tau)


def run(instance, observations, autoupdates, name, **options):
    engine = infer_online(instance, autoupdates=autoupdates, **options)
    beliefs, scores = [], []
    engine.posteriors[name].subscribe(beliefs.append)
    engine.free_energy.subscribe(scores.append)
    for value in observations:
        engine.observe({"y": value})
    return [tuple(belief.parameters.values()) for belief in beliefs], scores


def twice(monkeypatch, *arguments, **options):
    fast = run(*arguments, **options)
    monkeypatch.setattr("reactivepgm.inference.stepper.rehearsed", lambda script, *rest: script.compile(*rest))
    return fast, run(*arguments, **options)


def test_counts_online(monkeypatch):
    data = RNG.poisson(3.0, size=40).astype(float).tolist()
    data[7] = None
    fast, slow = twice(
        monkeypatch, counts(a=1.0, b=1.0), data, lambda q: {"a": q["rate"].shape, "b": q["rate"].rate}, "rate"
    )
    assert fast == slow


@pytest.mark.parametrize("iterations", [1, 4])
def test_unknown_precision_online(monkeypatch, iterations):
    data = RNG.normal(size=40).cumsum().tolist()
    data[3] = data[20] = None
    fast, slow = twice(
        monkeypatch,
        walk(m=0.0, v=100.0, a=1.0, b=1.0),
        data,
        lambda q: {"m": q["x"].mean, "v": q["x"].variance, "a": q["tau"].shape, "b": q["tau"].rate},
        "x",
        initialisation={"tau": Gamma(shape=1.0, rate=1.0)},
        constraints="q(before, x, tau) = q(before, x) q(tau)",
        iterations=iterations,
    )
    assert fast == slow


@pytest.mark.parametrize("iterations", [1, 4])
def test_a_joint_of_numbers_online(monkeypatch, iterations):
    data = RNG.normal(size=40).cumsum().tolist()
    data[3] = data[4] = data[20] = None
    fast, slow = twice(
        monkeypatch,
        drifting(m=0.0, v=100.0, a=1.0, b=1.0),
        data,
        lambda q: {"m": q["x"].mean, "v": q["x"].variance, "a": q["tau"].shape, "b": q["tau"].rate},
        "x",
        initialisation={"tau": Gamma(shape=1.0, rate=1.0)},
        constraints="q(before, x, tau) = q(before, x) q(tau)",
        iterations=iterations,
    )
    assert fast == slow


@pytest.mark.parametrize("points", [None, 9])
@pytest.mark.parametrize("step", [volatile, volatile_by_prediction], ids=["with z_before", "drift in the prior"])
def test_volatility_online(monkeypatch, step, points):
    data = RNG.normal(size=40).cumsum().tolist()
    data[9] = None
    fast, slow = twice(
        monkeypatch,
        step(zm=0.0, zv=1.0, xm=0.0, xv=1.0, meta=None if points is None else GCVMeta(GaussHermiteCubature(points))),
        data,
        lambda q: {"zm": q["z"].mean, "zv": q["z"].variance, "xm": q["x"].mean, "xv": q["x"].variance},
        "z",
        initialisation={"z": Normal(mean=0.0, variance=1.1)},
        constraints="q(x_before, x, z) = q(x_before, x) q(z)",
        iterations=5,
    )
    assert fast == slow


def test_points_of_which_one_has_all_the_weight_are_an_error_in_a_traced_step_too():
    engine = infer_online(
        volatile(zm=0.0, zv=1.0, xm=0.0, xv=1.0, meta=GCVMeta(GaussHermiteCubature(9))),
        autoupdates=lambda q: {"zm": q["z"].mean, "zv": q["z"].variance, "xm": q["x"].mean, "xv": q["x"].variance},
        initialisation={"z": Normal(mean=0.0, variance=1.1)},
        constraints="q(x_before, x, z) = q(x_before, x) q(z)",
    )
    for value in RNG.normal(size=20).tolist():
        engine.observe({"y": value})
    with pytest.raises(InvalidParameterError, match="one of the points carries all the weight"):
        engine.observe({"y": 1e6})
