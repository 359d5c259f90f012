"""Autoregressive and ConjugateAR against the quadrature of their log factors; states on their free coordinates (y1, x)."""

import numpy as np
import pytest
from scipy import stats

from reactivepgm.distributions import (
    EmbeddedNormal,
    GammaShapeRate,
    MvNormalGamma,
    MvNormalMeanCovariance,
    MvNormalMeanPrecision,
    MvNormalWeightedMeanPrecision,
    NormalMeanPrecision,
    NormalMeanVariance,
    PointMass,
    product,
)
from reactivepgm.errors import InferenceError, NoRuleError, ParametrisationError
from reactivepgm.nodes import AR, ARMeta, Autoregressive, ConjugateAR, node_of
from reactivepgm.rulebook import average_energy, call_marginal_rule, call_rule, find_kernel
from tests.oracles.batch_law import assert_rows_alike
from tests.oracles.gaussian_forms import assert_message, forms, random_belief
from tests.oracles.quadratic import expect, quadratic, quadratic_mean, scalar_log_pdf, told, with_message

NUMBERS = ARMeta(order=1, variate="univariate")


def states(p):
    return ARMeta(order=p, variate="multivariate", safe=False)


def free(p):
    """The matrices from z = (y1, x) to y and to x."""
    return np.eye(p, p + 1), np.eye(p + 1)[1:]


def parameters(p, number):
    """Beliefs about (theta, gamma) apart, as (node, inputs, nodal arguments, log factor of z = (y1, x))."""
    mean, covariance = random_belief(np.random.default_rng(p + 5), 0 if number else p)
    gamma = GammaShapeRate(3.0, 2.0)

    def apart_(z, t, g):
        x = z[..., 1:]
        return scalar_log_pdf(z[..., 0] - (x * (t[..., None] if number else t)).sum(-1), g)

    def together(z, w):
        return scalar_log_pdf(z[..., 0] - (z[..., 1:] * w[..., :-1]).sum(-1), w[..., -1])

    vector = np.reshape(mean, p)
    w = MvNormalGamma(vector, np.linalg.inv(np.reshape(covariance, (p, p))), 3.0, 2.0)
    cases = [(Autoregressive, {"q_theta": t, "q_gamma": gamma}, (t, gamma), apart_) for t in forms(mean, covariance)[:2]]
    cases.append((Autoregressive, {"q_theta": PointMass(mean), "q_gamma": gamma}, (PointMass(mean), gamma), apart_))
    cases.append((ConjugateAR, {"q_w": w}, (w,), together))
    known = PointMass([*vector, 1.5])
    cases.append((ConjugateAR, {"q_w": known}, (known,), together))
    return cases


CASES = [(p, False, i) for p in (1, 2, 3) for i in range(5)] + [(1, True, i) for i in range(5)]


def case(p, number, i):
    node, inputs, beliefs, f = parameters(p, number)[i]
    return node, {**inputs, "meta": NUMBERS if number else states(p)}, beliefs, f


@pytest.mark.parametrize(("p", "number", "i"), CASES)
def test_messages_and_joint_inside_the_cluster(p, number, i):
    node, inputs, beliefs, f = case(p, number, i)
    h, k = quadratic(lambda z: expect(lambda *b: f(z, *b), *beliefs), p + 1)
    to_y, to_x = free(p)
    rng = np.random.default_rng(p)
    d = 0 if number else p
    ys, xs = forms(*random_belief(rng, d)), forms(*random_belief(rng, d))
    for m_x in xs:
        message = call_rule(node, "y", m_x=m_x, **inputs)
        assert_message(message, *told(*with_message(h, k, m_x, to_x), range(p)), rtol=1e-8)
    for m_y in ys:
        message = call_rule(node, "x", m_y=m_y, **inputs)
        assert_message(message, *told(*with_message(h, k, m_y, to_y), range(1, p + 1)), rtol=1e-8)
    for m_y in ys:
        for m_x in xs:
            joint = call_marginal_rule(node, "y_x", m_y=m_y, m_x=m_x, **inputs)
            total_h, total_k = with_message(*with_message(h, k, m_y, to_y), m_x, to_x)
            covariance = np.linalg.inv(total_k)
            both = np.vstack([to_y, to_x])
            np.testing.assert_allclose(joint.covariance, both @ covariance @ both.T, rtol=1e-7, atol=1e-9)
            np.testing.assert_allclose(joint.mean, both @ covariance @ total_h, rtol=1e-7, atol=1e-9)
            entropy = 0.5 * ((p + 1) * (1 + np.log(2 * np.pi)) - np.linalg.slogdet(total_k)[1])
            assert joint.entropy() == pytest.approx(entropy, rel=1e-8)


@pytest.mark.parametrize(("p", "number", "i"), CASES)
def test_variational_messages_and_energies(p, number, i):
    node, inputs, beliefs, f = case(p, number, i)
    rng = np.random.default_rng(p + 3)
    d = 0 if number else p
    q_x = forms(*random_belief(rng, d))[0]
    q_y = forms(*random_belief(rng, d))[0]
    first = q_y if number else NormalMeanVariance(float(q_y.mean[0]), float(q_y.covariance[0, 0]))

    def at(y, x):
        y, x = np.asarray(y), np.asarray(x)
        x = x[..., None] if number else x
        batch = np.broadcast_shapes(y.shape, x.shape[:-1])
        parts = [np.broadcast_to(y[..., None], (*batch, 1)), np.broadcast_to(x, (*batch, p))]
        return np.concatenate(parts, axis=-1)

    message = call_rule(node, "y", q_x=q_x, **inputs)
    oracle = quadratic(lambda z: expect(lambda x, *b: f(at(z[0], x), *b), q_x, *beliefs), 1)
    if number:
        assert_message(message, *oracle)
    else:
        assert message.mean[0] == pytest.approx(oracle[0][0] / oracle[1][0, 0])
        assert message.covariance[0, 0] == pytest.approx(1 / oracle[1][0, 0])
        np.testing.assert_allclose(message.mean[1:], q_x.mean[:-1])
        np.testing.assert_array_equal(message.covariance[1:, 1:], 0.0)
    message = call_rule(node, "x", q_y=q_y, **inputs)
    x_oracle = quadratic(
        lambda v: expect(lambda y, *b: f(at(y, v[0] if number else v), *b), first, *beliefs), p
    )
    assert_message(message, *x_oracle)
    expected = -expect(lambda y, x, *b: f(at(y, x), *b), first, q_x, *beliefs)
    energy = average_energy(node, q_y=q_y, q_x=q_x, **inputs)
    copies = 0.0 if number else q_y.entropy() - first.entropy()
    assert energy == pytest.approx(expected + copies, rel=1e-8)
    point = PointMass(q_y.mean)
    sure = PointMass(q_y.mean if number else float(q_y.mean[0]))
    expected = -expect(lambda y, x, *b: f(at(y, x), *b), sure, q_x, *beliefs)
    assert average_energy(node, q_y=point, q_x=q_x, **inputs) == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize(("p", "number", "i"), CASES)
def test_under_a_joint(p, number, i):
    node, inputs, beliefs, f = case(p, number, i)
    rng = np.random.default_rng(p + 4)
    mean, covariance = random_belief(rng, 2 * p)
    whole = MvNormalMeanCovariance(mean, covariance)
    keep = [0, *range(p, 2 * p)]
    part = MvNormalMeanCovariance(mean[keep], covariance[np.ix_(keep, keep)])
    both = np.vstack(free(p))
    embedded = EmbeddedNormal(mean[keep], covariance[np.ix_(keep, keep)], both)
    expected = -expect(f, part, *beliefs)
    for joint in (whole, embedded):
        copies = 0.0 if number or joint is embedded else whole.entropy() - part.entropy()
        assert average_energy(node, q_y_x=joint, **inputs) == pytest.approx(expected + copies, rel=1e-8)
    for joint in (whole, embedded):
        if node is ConjugateAR:
            prior = MvNormalGamma(np.ones(p), np.eye(p), 2.0, 3.0)
            posterior = call_marginal_rule(node, "w", m_w=prior, q_y_x=joint, meta=inputs["meta"])
            message = call_rule(node, "w", q_y_x=joint, meta=inputs["meta"])
            assert product(prior, message) == posterior
            points = [np.array([*rng.normal(size=p), g]) for g in (0.3, 1.0, 4.0)]
            gap = [
                float(posterior.log_pdf(w) - prior.log_pdf(w)) - expect(lambda z, w=w: f(z, w), part) for w in points
            ]
            assert np.ptp(gap) < 1e-8 * (1 + max(map(abs, gap)))
            continue
        q_theta, q_gamma = inputs["q_theta"], inputs["q_gamma"]
        message = call_rule(node, "theta", q_y_x=joint, q_gamma=q_gamma, meta=inputs["meta"])
        oracle = quadratic_mean(lambda t, z, g: f(z, t[0] if number else t, g), p, part, q_gamma)
        assert_message(message, *oracle)
        rate = expect(lambda z, t: (z[..., 0] - (z[..., 1:] * (t[..., None] if number else t)).sum(-1)) ** 2, part, q_theta)
        message = call_rule(node, "gamma", q_y_x=joint, q_theta=q_theta, meta=inputs["meta"])
        assert (message.shape, message.rate) == (1.5, pytest.approx(rate / 2, rel=1e-9))


@pytest.mark.parametrize("p", [1, 2, 3])
def test_parameters_from_a_cut(p):
    """Here the trace of Cov[theta] Cov[x] belongs to the squared residual, too."""
    rng = np.random.default_rng(p)
    q_y, q_x, q_theta = (forms(*random_belief(rng, p))[0] for _ in range(3))
    first = NormalMeanVariance(float(q_y.mean[0]), float(q_y.covariance[0, 0]))
    q_gamma, meta = GammaShapeRate(3.0, 2.0), states(p)
    rate = expect(lambda y, x, t: (y - (x * t).sum(-1)) ** 2 / 2, first, q_x, q_theta)
    message = call_rule(AR, "gamma", q_y=q_y, q_x=q_x, q_theta=q_theta, meta=meta)
    assert (message.shape, message.rate) == (1.5, pytest.approx(rate, rel=1e-9))
    message = call_rule(AR, "theta", q_y=q_y, q_x=q_x, q_gamma=q_gamma, meta=meta)
    oracle = quadratic(lambda t: expect(lambda y, x, g: scalar_log_pdf(y - (x * t).sum(-1), g), first, q_x, q_gamma), p)
    assert_message(message, *oracle)
    for known in (q_x, PointMass(q_x.mean)):
        message = call_rule(ConjugateAR, "w", q_y=q_y, q_x=known, meta=meta)
        prior = MvNormalGamma(np.zeros(p), np.eye(p), 2.0, 1.0)
        posterior = product(prior, message)
        points = [np.array([*rng.normal(size=p), g]) for g in (0.3, 1.0, 4.0)]
        gap = [
            float(posterior.log_pdf(w) - prior.log_pdf(w))
            - expect(lambda y, x, w=w: scalar_log_pdf(y - (x * w[:-1]).sum(-1), w[-1]), first, known)
            for w in points
        ]
        assert np.ptp(gap) < 1e-8 * (1 + max(map(abs, gap)))


def test_conjugate_regression_is_the_textbook_posterior():
    """With everything observed, products of messages give the normal-gamma posterior of a linear regression."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(30, 2))
    y = x @ [0.5, -1.0] + 0.3 * rng.normal(size=30)
    messages = call_rule(ConjugateAR, "w", q_y=PointMass(y, event_rank=0), q_x=PointMass(x, event_rank=1))
    prior = MvNormalGamma(np.zeros(2), np.eye(2), 1.0, 1.0)
    naturals = [a + b.sum(axis=0) for a, b in zip(prior.naturals(), messages.naturals(), strict=True)]
    posterior = prior.group.from_naturals(*naturals)
    precision = np.eye(2) + x.T @ x
    mean = np.linalg.solve(precision, x.T @ y)
    np.testing.assert_allclose(posterior.mean, mean)
    np.testing.assert_allclose(posterior.precision, precision)
    assert posterior.shape == pytest.approx(16.0)
    assert posterior.rate == pytest.approx(1.0 + 0.5 * (y @ y - mean @ precision @ mean))


def test_metas_say_what_y_is():
    assert ARMeta() == ARMeta(1, "univariate")
    assert ARMeta(2, "multivariate") != ARMeta(3, "multivariate")
    for wrong in ({"variate": "bivariate"}, {"order": 2}, {"order": 0, "variate": "multivariate"}):
        with pytest.raises(ParametrisationError, match="ARMeta"):
            ARMeta(**wrong)
    rest = {"q_theta": NormalMeanVariance(1.0, 1.0), "q_gamma": GammaShapeRate(1.0, 1.0)}
    vector = MvNormalMeanPrecision([0.0], [[1.0]])
    for message in ({"meta": NUMBERS, "m_x": vector}, {"meta": states(1), "m_x": NormalMeanVariance(0.0, 1.0)}):
        with pytest.raises(NoRuleError):
            call_rule(AR, "y", **rest, **message)
    number = call_rule(AR, "y", m_x=NormalMeanVariance(0.0, 1.0), **rest)
    assert number == call_rule(AR, "y", m_x=NormalMeanVariance(0.0, 1.0), meta=NUMBERS, **rest)


def test_a_state_that_nothing_pins_down():
    rest = {"q_theta": PointMass([0.5, 0.0]), "q_gamma": PointMass(2.0), "meta": states(2)}
    flat = MvNormalWeightedMeanPrecision(np.zeros(2), np.zeros((2, 2)))
    with pytest.raises(InferenceError, match="flat in some direction"):
        call_rule(AR, "y", m_x=flat, **rest)
    assert (call_rule(AR, "x", m_y=flat, **rest).precision == 0.0).all()
    with pytest.raises(InferenceError, match="singular covariance"):
        call_rule(AR, "x", m_y=MvNormalMeanCovariance(np.zeros(2), np.zeros((2, 2))), **rest)


def test_kernel_for_numbers_with_known_coefficients_only():
    types = {"q_theta": PointMass, "q_gamma": GammaShapeRate}
    kernel = find_kernel(AR, "y", ("x",), types, NUMBERS)
    numbers = kernel(q_theta=PointMass(0.5), q_gamma=GammaShapeRate(4.0, 2.0), meta=NUMBERS)
    np.testing.assert_allclose(numbers.matrices[0], [[0.5]])
    np.testing.assert_allclose(numbers.covariance, [[0.5]])
    assert find_kernel(AR, "y", ("x",), types, states(2)) is None
    assert find_kernel(AR, "y", ("x",), {**types, "q_theta": NormalMeanVariance}, NUMBERS) is None


@pytest.mark.parametrize("p", [0, 2])
def test_batches(p):
    rng = np.random.default_rng(5)
    n, meta = max(p, 1), states(p) if p else NUMBERS
    thetas, xs, ys = ([forms(*random_belief(rng, p))[form] for _ in range(3)] for form in (0, 2, 1))
    ws = [MvNormalGamma(rng.normal(size=n), (1.0 + i) * np.eye(n), 3.0, 2.0) for i in range(3)]
    gammas = [GammaShapeRate(float(s), 2.0) for s in (1.0, 2.0, 3.0)]
    joints = [MvNormalMeanCovariance(*random_belief(rng, 2 * n)) for _ in range(3)]
    for node, q in ((AR, {"q_theta": thetas, "q_gamma": gammas}), (ConjugateAR, {"q_w": ws})):
        for to, role, given in (("y", "m_x", xs), ("y", "q_x", xs), ("x", "m_y", ys), ("x", "q_y", ys)):
            assert_rows_alike(lambda n=node, t=to, **i: call_rule(n, t, meta=meta, **i), **q, **{role: given})
        assert_rows_alike(lambda n=node, **i: call_marginal_rule(n, "y_x", meta=meta, **i), m_y=ys, m_x=xs, **q)
        assert_rows_alike(lambda n=node, **i: average_energy(n, meta=meta, **i), q_y=ys, q_x=xs, **q)
        assert_rows_alike(lambda n=node, **i: average_energy(n, meta=meta, **i), q_y_x=joints, **q)
    assert_rows_alike(lambda **i: call_rule(AR, "theta", meta=meta, **i), q_y_x=joints, q_gamma=gammas)
    assert_rows_alike(lambda **i: call_rule(AR, "theta", meta=meta, **i), q_y=ys, q_x=xs, q_gamma=gammas)
    assert_rows_alike(lambda **i: call_rule(AR, "gamma", meta=meta, **i), q_y_x=joints, q_theta=thetas)
    assert_rows_alike(lambda **i: call_rule(AR, "gamma", meta=meta, **i), q_y=ys, q_x=xs, q_theta=thetas)
    assert_rows_alike(lambda **i: call_rule(ConjugateAR, "w", meta=meta, **i), q_y=ys, q_x=xs)
    assert_rows_alike(lambda **i: call_rule(ConjugateAR, "w", meta=meta, **i), q_y_x=joints)
    assert_rows_alike(lambda **i: call_marginal_rule(ConjugateAR, "w", meta=meta, **i), q_y_x=joints, m_w=ws)


def test_the_nodes_themselves():
    assert node_of("AR") is AR is Autoregressive
    assert AR.interface("out").name == "y"
    expected = stats.norm(11.0, 0.5).logpdf(1.0)
    assert AR.log_density([1.0, 3.0], [3.0, 4.0], [1.0, 2.0], 4.0) == pytest.approx(expected)
    assert AR.log_density([1.0, 9.0], [3.0, 4.0], [1.0, 2.0], 4.0) == -np.inf
    assert AR.log_density(1.0, 5.5, 2.0, 4.0) == pytest.approx(expected)
    assert ConjugateAR.log_density([1.0, 3.0], [3.0, 4.0], [1.0, 2.0, 4.0]) == pytest.approx(expected)
    assert isinstance(AR(1.0, 2.0, 3.0), NormalMeanPrecision)
    x = PointMass(np.ones((4000, 2)) * [3.0, 4.0], event_rank=1)
    for node, rest in ((AR, (PointMass([1.0, 2.0]), PointMass(4.0))), (ConjugateAR, (PointMass([1.0, 2.0, 4.0]),))):
        draws = node.batch_sampler(np.random.default_rng(1), (4000,), x, *rest)
        assert draws.shape == (4000, 2)
        assert (draws[:, 1] == 3.0).all()
        assert abs(draws[:, 0].mean() - 11.0) < 0.05
        assert abs(draws[:, 0].std() - 0.5) < 0.03
