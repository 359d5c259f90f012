"""Forms of marginals and messages: hand-written EM and coordinate ascent, quadrature, Monte Carlo within its error."""

import numpy as np
import pytest
from scipy import integrate
from scipy.special import gammaln, logsumexp

from reactivepgm import (
    Beta,
    Categorical,
    Composite,
    Dirichlet,
    Distribution,
    FixedMarginal,
    Gamma,
    GammaShapeRate,
    Interface,
    LogDensity,
    MeanField,
    Node,
    Normal,
    NormalMeanPrecision,
    NormalMeanVariance,
    NormalMixture,
    PointMass,
    ProductError,
    ProjectedTo,
    SampleList,
    WeightedSamples,
    average_energy,
    factorise,
    form,
    infer,
    model,
    randomvar,
    register,
    rule,
    within,
)
from reactivepgm.distributions import Bernoulli
from reactivepgm.errors import ConstraintError
from reactivepgm.numerics.array import Array
from tests.oracles import kalman, variational

LOG_2PI = np.log(2 * np.pi)
Y = np.random.default_rng(1).normal(2.0, 0.7, size=25)
UNIT = Gamma(shape=1.0, rate=1.0)
PRIOR_TAU = variational.Gamma(2.0, 0.5)


@model
def gamma_normal(y):
    mu = ~NormalMeanVariance(0.5, 4.0)
    tau = ~Gamma(shape=2.0, rate=0.5)
    y[:] = ~NormalMeanPrecision(mu, tau)


def assert_descends(free_energy):
    assert np.all(np.isfinite(free_energy)) and np.max(np.diff(free_energy), initial=-np.inf) <= 1e-9


def log_joint(y, tau):
    """log p(y, tau) with the mean integrated out, by dense algebra."""
    covariance = 4.0 + np.eye(len(y)) / tau
    gap = y - 0.5
    log_y = -0.5 * (len(y) * LOG_2PI + np.linalg.slogdet(covariance)[1] + gap @ np.linalg.solve(covariance, gap))
    return log_y + 2.0 * np.log(0.5) - gammaln(2.0) + np.log(tau) - 0.5 * tau


def em(y, tau, iterations):
    """Expectation maximisation for tau, mu in the E-step; and the objective after every iteration."""
    scores = []
    for _ in range(iterations):
        v = 1.0 / (0.25 + len(y) * tau)
        m = v * (0.125 + tau * y.sum())
        square = ((y - m) ** 2 + v).sum()
        tau = (2.0 + len(y) / 2 - 1.0) / (0.5 + square / 2)
        energy = 0.5 * (LOG_2PI + np.log(4.0) + ((m - 0.5) ** 2 + v) / 4.0) + gammaln(2.0) - 2.0 * np.log(0.5)
        energy += 0.5 * tau - np.log(tau) + 0.5 * (len(y) * (LOG_2PI - np.log(tau)) + tau * square)
        scores.append(energy - 0.5 * (LOG_2PI + 1.0 + np.log(v)))
    return m, v, tau, np.array(scores)


@pytest.mark.parametrize(
    "constraints",
    [
        "q(tau) :: PointMass",
        form("tau", PointMass),
        [MeanField(), "q(tau) :: PointMass(bounds=(1e-6, 1e6))"],
        Composite(ProjectedTo(Gamma), PointMass),
    ],
    ids=["text", "object", "bounds", "composite"],
)
def test_a_point_mass_makes_em(constraints):
    if isinstance(constraints, Composite):
        constraints = form("tau", constraints)
    m, v, tau, scores = em(Y, 1.0, 40)
    result = infer(
        gamma_normal(), data={"y": Y}, constraints=constraints, iterations=40, free_energy=True, initialisation={"tau": UNIT}
    )
    assert_descends(result.free_energy)
    np.testing.assert_allclose(result.free_energy, scores, rtol=1e-12)
    assert isinstance(result.posteriors["tau"], PointMass)
    np.testing.assert_allclose(result.posteriors["tau"].value, tau, rtol=1e-12)
    np.testing.assert_allclose([result.posteriors["mu"].mean, result.posteriors["mu"].variance], [m, v], rtol=1e-12)


def test_the_free_energy_of_a_point_is_minus_the_log_joint():
    result = infer(
        gamma_normal(), data={"y": Y}, constraints="q(tau) :: PointMass", iterations=80, free_energy=True,
        initialisation={"tau": UNIT},
    )
    np.testing.assert_allclose(result.free_energy[-1], -log_joint(Y, result.posteriors["tau"].value), rtol=1e-12)
    # It is the mode of the joint, the mean integrated out: no neighbour is better.
    tau = float(result.posteriors["tau"].value)
    assert log_joint(Y, tau) > max(log_joint(Y, 0.999 * tau), log_joint(Y, 1.001 * tau))


def test_two_points_are_the_joint_mode():
    result = infer(
        gamma_normal(), data={"y": Y}, constraints=["q(tau) :: PointMass", "q(mu) :: PointMass"], iterations=60,
        free_energy=True, initialisation={"tau": PointMass(1.0)},
    )
    assert_descends(result.free_energy)
    mu, tau = float(result.posteriors["mu"].value), float(result.posteriors["tau"].value)
    log_p = NormalMeanVariance(0.5, 4.0).log_pdf(mu) + GammaShapeRate(2.0, 0.5).log_pdf(tau)
    np.testing.assert_allclose(result.free_energy[-1], -(log_p + NormalMeanPrecision(mu, tau).log_pdf(Y).sum()), rtol=1e-12)
    np.testing.assert_allclose(mu, (0.125 + tau * Y.sum()) / (0.25 + 25 * tau), rtol=1e-9)


@model
def known_mean(y):
    tau = ~Gamma(shape=2.0, rate=0.5)
    y[:] = ~NormalMeanPrecision(0.0, tau)


def test_the_mode_of_a_conjugate_posterior():
    tau = infer(known_mean(), data={"y": Y}, constraints="q(tau) :: PointMass").posteriors["tau"].value
    np.testing.assert_allclose(tau, (2.0 + 12.5 - 1.0) / (0.5 + 0.5 * (Y @ Y)), rtol=1e-14)
    bounded = infer(known_mean(), data={"y": Y}, constraints="q(tau) :: PointMass(bounds=(2, inf))").posteriors["tau"]
    assert bounded == PointMass(2.0)


@model
def mixture(y):
    s = ~Dirichlet(np.ones(2))
    m = randomvar(2)
    w = randomvar(2)
    z = randomvar(len(y))
    for k in range(2):
        m[k] = ~NormalMeanVariance(0.0, 1e12)
        w[k] = ~Gamma(shape=1.0, rate=1e-12)
    for i in range(len(y)):
        z[i] = ~Categorical(s)
        y[i] = ~NormalMixture(z[i], m, w)


def test_em_for_a_gaussian_mixture():
    rng = np.random.default_rng(7)
    y = np.concatenate([rng.normal(-2, 1, 40), rng.normal(3, 0.5, 60)])
    pi, mean, variance = np.array([0.5, 0.5]), np.array([-1.0, 1.0]), np.array([1.0, 1.0])
    logs = []
    for _ in range(25):
        log_r = np.log(pi) - 0.5 * (LOG_2PI + np.log(variance) + (y[:, None] - mean) ** 2 / variance)
        logs.append(logsumexp(log_r, axis=1).sum())
        r = np.exp(log_r - logsumexp(log_r, axis=1, keepdims=True))
        n = r.sum(0)
        pi, mean = n / len(y), (r * y[:, None]).sum(0) / n
        variance = (r * (y[:, None] - mean) ** 2).sum(0) / n
    result = infer(
        mixture(), data={"y": y}, iterations=25, free_energy=True,
        constraints=[MeanField(), "q(s) :: PointMass", "q(m) :: PointMass", "q(w) :: PointMass"],
        initialisation={
            "s": PointMass([0.5, 0.5]), "m": PointMass([-1.0, 1.0], event_rank=0), "w": PointMass([1.0, 1.0], event_rank=0)
        },
    )
    assert_descends(result.free_energy)
    np.testing.assert_allclose(result.posteriors["s"].value, pi, rtol=1e-9)
    np.testing.assert_allclose(result.posteriors["m"].value, mean, rtol=1e-9)
    np.testing.assert_allclose(result.posteriors["w"].value, 1 / variance, rtol=1e-9)
    # Flat priors add a constant; successive scores differ as the log likelihoods of successive parameters do, at the end.
    assert abs((result.free_energy[-2] - result.free_energy[-1]) - (logs[-1] - logs[-2])) < 1e-4


def test_a_fixed_marginal_is_coordinate_ascent_with_that_marginal():
    fixed = Gamma(shape=3.0, rate=2.0)
    for constraints in ("q(tau) :: FixedMarginal(Gamma(shape=3.0, rate=2.0))", form("tau", FixedMarginal(fixed))):
        result = infer(gamma_normal(), data={"y": Y}, constraints=constraints, free_energy=True)
        v = 1.0 / (0.25 + len(Y) * 1.5)
        m = v * (0.125 + 1.5 * Y.sum())
        np.testing.assert_allclose([result.posteriors["mu"].mean, result.posteriors["mu"].variance], [m, v], rtol=1e-14)
        assert result.posteriors["tau"] == fixed
        q_tau = variational.Gamma(3.0, 2.0)
        energy = variational.normal_energy((m - 0.5) ** 2 + v, 0.25, -np.log(4.0)) + PRIOR_TAU.energy(q_tau)
        energy += variational.normal_energy((Y - m) ** 2 + v, q_tau.mean, q_tau.mean_log).sum()
        np.testing.assert_allclose(
            result.free_energy, energy - variational.normal_entropy(v) - q_tau.entropy(), rtol=1e-12
        )


def test_a_fixed_array_and_a_fixed_batch():
    @model
    def steps(y):
        x = randomvar(len(y))
        x[0] = ~NormalMeanVariance(0.0, 1.0)
        x[1:] = ~NormalMeanVariance(x[:-1], 1.0)
        z = ~NormalMeanVariance(0.0, 1.0)
        y[:] = ~NormalMeanPrecision(x + z, 1.0)

    with pytest.raises(ConstraintError, match="enters a deterministic factor"):
        infer(steps(), data={"y": Y[:3]}, constraints=form("x", FixedMarginal(NormalMeanVariance(0.0, 1.0))))

    @model
    def plain(y):
        x = randomvar(len(y))
        tau = ~Gamma(shape=1.0, rate=1.0)
        x[:] = ~NormalMeanVariance(0.0, 1.0)
        y[:] = ~NormalMeanPrecision(x, tau)

    given = NormalMeanVariance([1.0, 2.0, 3.0], 0.5)
    result = infer(plain(), data={"y": Y[:3]}, constraints=form("x", FixedMarginal(given)))
    assert result.posteriors["x"] == NormalMeanVariance([1.0, 2.0, 3.0], [0.5, 0.5, 0.5])
    expected = 1.0 + 0.5 * ((Y[:3] - given.mean) ** 2 + 0.5).sum()
    np.testing.assert_allclose(result.posteriors["tau"].rate, expected, rtol=1e-14)


# -- messages that do not multiply


@model
def unknown_shape(y):
    a = ~Gamma(shape=2.0, rate=1.0)
    y[:] = ~GammaShapeRate(a, 2.0)


COUNTS = np.random.default_rng(3).gamma(4.0, 0.5, size=12)


def exact_shape():
    def log_p(a):
        return np.log(a) - a + (a * np.log(2.0) - gammaln(a) + (a - 1.0) * np.mean(np.log(COUNTS))) * len(COUNTS)

    top = log_p(4.0)
    z, m, s, logs = (
        integrate.quad(lambda a, t=t: t(a) * np.exp(log_p(a) - top), 0, 40, epsabs=0, epsrel=1e-12, limit=500)[0]
        for t in (lambda a: 1.0, lambda a: a, lambda a: a * a, np.log)
    )
    return m / z, s / z - (m / z) ** 2, logs / z


def test_the_error_says_which_form_would_help():
    with pytest.raises(ProductError, match=r'constraints="q\(a\) :: ProjectedTo\(GammaShapeRate\)"'):
        infer(unknown_shape(), data={"y": COUNTS}, constraints=MeanField())


def test_projections_against_quadrature():
    mean, variance, mean_log = exact_shape()
    found = infer(unknown_shape(), data={"y": COUNTS}, constraints=[MeanField(), "q(a) :: Normal"]).posteriors["a"]
    np.testing.assert_allclose([found.mean, found.variance], [mean, variance], rtol=1e-9)
    found = infer(
        unknown_shape(), data={"y": COUNTS}, constraints=[MeanField(), "q(a) :: ProjectedTo(Gamma)"], free_energy=True
    )
    np.testing.assert_allclose([found.posteriors["a"].mean, found.posteriors["a"].mean_log], [mean, mean_log], rtol=1e-9)
    assert np.isfinite(found.free_energy).all()


def test_samples_within_their_error():
    mean, variance, mean_log = exact_shape()
    constraints = [MeanField(), form("a", SampleList(20_000, seed=5))]
    result = infer(unknown_shape(), data={"y": COUNTS}, constraints=constraints, free_energy=True)
    found = result.posteriors["a"]
    assert isinstance(found, WeightedSamples)
    assert abs(found.mean - mean) < 4.0 * np.sqrt(variance / found.effective_size)
    assert abs(found.mean_log - mean_log) < 4.0 * np.sqrt(variance / found.effective_size) / 2.0
    again = infer(unknown_shape(), data={"y": COUNTS}, constraints=constraints).posteriors["a"]
    assert again == found
    # The free energy at the exact posterior is minus the log evidence.
    evidence = np.log(integrate.quad(
        lambda a: a * np.exp(-a + (a * np.log(2.0) - gammaln(a) - 2.0) * 12 + (a - 1.0) * np.log(COUNTS).sum()
                             + 24.0 - 2.0 * COUNTS.sum()), 0, 40, epsrel=1e-10)[0])
    assert abs(result.free_energy[-1] + evidence) < 0.05


def test_the_mode_without_a_closed_form():
    found = infer(unknown_shape(), data={"y": COUNTS}, constraints=[MeanField(), "q(a) :: PointMass"]).posteriors["a"]
    a, h = float(found.value), 1e-5
    slope = 1 / a - 1 + 12 * (np.log(2.0) + np.mean(np.log(COUNTS))) - 12 * (gammaln(a + h) - gammaln(a - h)) / (2 * h)
    assert abs(slope) < 1e-5


def test_composites_are_applied_in_turn():
    mean, variance, _ = exact_shape()
    chain = Composite(SampleList(20_000), ProjectedTo(Normal))
    for constraint in (form("a", chain), "q(a) :: Composite(SampleList(20000), ProjectedTo(Normal))"):
        found = infer(unknown_shape(), data={"y": COUNTS}, constraints=[MeanField(), constraint]).posteriors["a"]
        assert isinstance(found, NormalMeanVariance)
        assert abs(found.mean - mean) < 0.05 and abs(found.variance / variance - 1.0) < 0.1


@model
def coin(y):
    p = ~Beta(a=2.0, b=2.0)
    y[:] = ~Bernoulli(p)


def test_samples_where_rules_want_a_family():
    """The energy of a Bernoulli takes a Beta or a point: lists of samples are averaged point by point."""
    flips = np.array([1.0, 0.0, 1.0, 1.0])
    exact = infer(coin(), data={"y": flips}, free_energy=True)
    result = infer(coin(), data={"y": flips}, constraints=form("p", SampleList(50_000)), free_energy=True)
    assert abs(result.posteriors["p"].mean - exact.posteriors["p"].mean) < 0.005
    assert abs(result.free_energy[-1] - exact.free_energy[-1]) < 0.01


def test_samples_that_others_read():
    @model
    def hidden(y):
        p = ~Beta(a=2.0, b=2.0)
        z = randomvar(len(y))
        z[:] = ~Bernoulli(p)
        y[:] = ~NormalMixture(z, (-2.0, 2.0), (1.0, 1.0))

    y = np.array([-2.0, 2.5, 0.2, 1.0])
    options = {"iterations": 30, "free_energy": True, "initialisation": {"p": Beta(1.0, 1.0)}}
    exact = infer(hidden(), data={"y": y}, constraints=MeanField(), **options)
    sampled = infer(hidden(), data={"y": y}, constraints=[MeanField(), "q(p) :: SampleList(50000)"], **options)
    np.testing.assert_allclose(sampled.posteriors["z"].p, exact.posteriors["z"].p, atol=0.01)
    assert abs(sampled.free_energy[-1] - exact.free_energy[-1]) < 0.02


# -- forms of messages


def laplace(name):
    """out ~ Laplace(mean, scale): a message that is no member of any family."""
    node = register(Node(name, "stochastic", (Interface("out"), Interface("mean"), Interface("scale")), object()))

    def density(out, mean, scale):
        return -np.abs(out - mean) / scale - np.log(2.0 * scale)

    def sent(y, scale, out):
        return LogDensity(lambda x: density(y.value, x, scale.value), batch_shape=np.shape(y.value))

    def to_mean(q_out: PointMass, q_scale: PointMass) -> LogDensity:
        return sent(q_out, q_scale, None)

    def expected(q_out: PointMass, q_mean: Distribution, q_scale: PointMass) -> Array:
        nodes, weights = np.polynomial.hermite_e.hermegauss(60)
        x = q_mean.mean + q_mean.std * nodes.reshape(-1, *(1,) * np.ndim(q_mean.mean))
        return -np.tensordot(weights / weights.sum(), density(q_out.value, x, q_scale.value), 1)

    rule(node, to="mean")(to_mean)
    average_energy(node)(expected)
    return node


Laplace = laplace("LaplaceUnderForms")


@model
def robust(y):
    x = ~NormalMeanVariance(0.0, 10.0)
    y[:] = ~Laplace(x, 0.5)


@model
def robust_walk(y):
    x = randomvar(len(y))
    x[0] = ~NormalMeanVariance(0.0, 10.0)
    x[1:] = ~NormalMeanVariance(x[:-1], 0.3)
    y[:] = ~Laplace(x, 0.5)


def test_many_densities_meet_at_one_variable():
    with pytest.raises(ProductError):
        infer(robust(), data={"y": Y})
    y = np.where(np.arange(25) == 4, np.nan, Y)
    seen = Y[np.arange(25) != 4]
    for data, kept in ((Y, Y), (y, seen)):
        found = infer(robust(), data={"y": data}, constraints="q(x) :: Normal").posteriors["x"]
        # The sum of absolute values has a kink at every datum: trapezoids fine enough do not mind.
        x = np.linspace(1.0, 3.0, 400_001)
        log_p = -x * x / 20.0 - np.abs(kept[:, None] - x).sum(axis=0) / 0.5
        p = np.exp(log_p - log_p.max())
        mean = (p * x).sum() / p.sum()
        np.testing.assert_allclose(found.mean, mean, rtol=1e-6)
        np.testing.assert_allclose(found.variance, (p * (x - mean) ** 2).sum() / p.sum(), rtol=1e-4)


def test_densities_that_reach_some_elements():
    @model
    def some(y):
        x = randomvar(3)
        x[:] = ~NormalMeanVariance(0.0, 10.0)
        y[0] = ~Laplace(x[2], 0.5)
        y[1] = ~Laplace(x[2], 0.5)
        y[2] = ~Laplace(x[0], 0.5)

    found = infer(some(), data={"y": np.array([1.0, 2.0, 3.0])}, constraints="q(x) :: Normal").posteriors["x"]
    np.testing.assert_allclose([found.mean[1], found.variance[1]], [0.0, 10.0], atol=1e-9)
    x = np.linspace(-40, 40, 800_001)
    for element, data in ((2, [1.0, 2.0]), (0, [3.0])):
        p = np.exp(-x * x / 20.0 - sum(np.abs(d - x) for d in data) / 0.5)
        mean = (p * x).sum() / p.sum()
        np.testing.assert_allclose(found.mean[element], mean, rtol=1e-5)
        np.testing.assert_allclose(found.variance[element], (p * (x - mean) ** 2).sum() / p.sum(), rtol=1e-4)


def test_a_message_takes_a_form_before_it_multiplies():
    """A Laplace density has variance 2 scale^2: the walk is then an ordinary Kalman smoother."""
    with pytest.raises(ProductError, match="LogDensity"):
        infer(robust_walk(), data={"y": Y})
    for constraint in ("mu(x) :: Normal", form("x", Normal, message=True)):
        found = infer(robust_walk(), data={"y": Y}, constraints=constraint).posteriors["x"]
        one = np.eye(1)
        expected = kalman.smooth(Y[:, None], one, one, 0.3 * one, 0.5 * one, np.zeros(1), 10.0 * one)
        np.testing.assert_allclose(found.mean, expected.mean[:, 0], rtol=1e-6)
        np.testing.assert_allclose(found.variance, expected.covariance[:, 0, 0], rtol=1e-5)


def test_messages_on_the_edges_of_a_cluster_take_their_form_too():
    """Samples of normal messages, and a normal again: a Kalman smoother with Monte Carlo noise."""
    @model
    def walk(y):
        x = randomvar(len(y))
        x[0] = ~NormalMeanVariance(0.0, 10.0)
        x[1:] = ~NormalMeanVariance(x[:-1], 0.3)
        y[:] = ~NormalMeanVariance(x, 0.5)

    exact = infer(walk(), data={"y": Y[:6]}).posteriors["x"]
    noisy = form("x", Composite(SampleList(40_000), ProjectedTo(Normal)), message=True)
    found = infer(walk(), data={"y": Y[:6]}, constraints=noisy).posteriors["x"]
    assert 0.0 < np.max(np.abs(found.mean - exact.mean)) < 0.05
    np.testing.assert_allclose(found.variance, exact.variance, rtol=0.05)


def test_a_form_that_a_variable_was_declared_with():
    @model
    def declared(y):
        tau = randomvar(form_constraint=PointMass)
        tau = ~Gamma(shape=2.0, rate=0.5)
        y[:] = ~NormalMeanPrecision(0.0, tau)

    assert isinstance(infer(declared(), data={"y": Y}).posteriors["tau"], PointMass)


def test_forms_that_are_refused():
    with pytest.raises(ConstraintError, match="matches nothing: the model has no random variable sigma"):
        infer(gamma_normal(), data={"y": Y}, constraints="q(sigma) :: PointMass")
    with pytest.raises(ConstraintError, match="takes no initial value besides"):
        infer(gamma_normal(), data={"y": Y}, constraints=form("tau", FixedMarginal(UNIT)), initialisation={"tau": UNIT})
    with pytest.raises(ConstraintError, match="contradicts the statement's own factorisation"):
        @model
        def tied(y):
            mu = ~NormalMeanVariance(0.0, 1.0)
            tau = ~Gamma(shape=1.0, rate=1.0)
            y[:] = ~NormalMeanPrecision(mu, tau).where(q="q(mu, tau) q(out)")

        infer(tied(), data={"y": Y}, constraints=form("tau", FixedMarginal(UNIT)))
    for wrong in (3, "PointMass", Beta(1.0, 1.0)):
        with pytest.raises(ConstraintError, match="is no form"):
            form("tau", wrong)
    with pytest.raises(ConstraintError, match="takes no options"):
        form("tau", Normal, bounds=(0.0, 1.0))
    assert factorise("a", "b") and within("sub", MeanField())
