"""Tables of approximations from elsewhere, where a checkout has them beside the project: every case must agree.

A belief times a Gaussian function is regressed on its own statistics; a smoothing step is a message through a function whose
linear map, noise and offset are the given cross-covariance, covariance and mean.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from reactivepgm_rules.delta import updated

from reactivepgm.approximations import Cloud
from reactivepgm.approximations.linearisation import Affine, linearised
from reactivepgm.approximations.unscented import unscented
from reactivepgm.distributions import MV_NORMAL, MvNormalMeanCovariance
from reactivepgm.nodes import Delta, GaussHermite, Unscented
from reactivepgm.rulebook import call_marginal_rule, call_rule

TABLE = Path(__file__).parents[2].parent / "shared" / "conformance" / "approximations.jsonl"
CASES = [json.loads(line) for line in TABLE.read_text(encoding="utf-8").splitlines()] if TABLE.exists() else []
NAMES = {"array": np.asarray, "matrix": np.asarray, "sin": np.sin, "cos": np.cos, "exp": np.exp}
NAMES["abs2"], NAMES["sum"], NAMES["dot"] = np.square, lambda f, x: np.sum(f(x)), lambda a, m, b: a @ m @ b


def function_of(spec):
    return eval(f"lambda {', '.join(spec['params'])}: {spec['expr']}", NAMES)


def vector(x):
    return np.atleast_1d(np.asarray(x, dtype=float))


def matrix(x):
    return np.atleast_2d(np.asarray(x, dtype=float))


def unscented_statistics(how, function, means, covariances):
    """Mean, covariance and cross-covariance of the value, the last from the regression, A V."""
    mean, covariance = vector(means[0]), matrix(covariances[0])
    is_vector = np.ndim(means[0]) == 1
    meta = Unscented(how["alpha"], how["beta"], how["kappa"])

    def of_vectors(x):
        rows = x.reshape(-1, x.shape[-1])
        values = [np.atleast_1d(function(row if is_vector else row[0])) for row in rows]
        return np.stack(values).reshape(*x.shape[:-1], -1)

    m_in = MvNormalMeanCovariance(mean, covariance)
    out = call_rule(Delta(lambda x: of_vectors(np.asarray(x))), "out", meta=meta, m_in=m_in)
    fit = unscented(of_vectors, mean, covariance, alpha=meta.alpha, beta=meta.beta, kappa=meta.kappa)
    return out.mean, out.covariance, covariance @ fit.matrix.T


def approximate(how, function, *rest):
    if how["type"] == "Linearization":
        (at,) = rest
        fit = linearised(lambda x: function(*np.moveaxis(x, -1, 0))[..., None], vector(at), np.eye(len(at)))
        return fit.matrix, fit.offset
    return unscented_statistics(how, function, *([part[0]] for part in rest))[:2]


def approximate_meancov(how, function, *belief):
    """The moments of function times belief."""
    if isinstance(belief[0], dict):
        q = MvNormalMeanCovariance(belief[0]["params"]["mean"], belief[0]["params"]["covariance"])
        cloud = Cloud([q.broadcast_to((1,))], 5, 10, 0)  # few points, so that exp does not underflow at the last
        logs = np.log([[function(x) for x in row] for row in cloud.x[0]])
        ((pull, precision),) = cloud.gradients(logs)
        known = q.naturals()
        result = MV_NORMAL.from_naturals(known[0] + pull[0], known[1] + precision[0])
        return result.mean, result.covariance
    mean, covariance = belief
    meta = GaussHermite(how["n"]) if "n" in how else Unscented(alpha=1.0, beta=0.0)  # points at a distance sqrt(d)
    assert function(np.asarray(mean)) == 1.0
    out = call_rule(Delta(lambda x: x), "out", meta=meta, m_in=MvNormalMeanCovariance(mean, covariance))
    return out.mean, out.covariance


def smooth(m_value, v_value, cross, m_in, v_in, m_back, v_back):
    """The input's belief after the backward message of the value, by a linear map with noise that has these moments."""
    v_in, cross, m_in = matrix(v_in), matrix(cross), vector(m_in)
    a = np.linalg.solve(v_in, cross).T
    noise = matrix(v_value) - a @ v_in @ a.T
    fit = Affine(a, vector(m_value) - a @ m_in, noise)
    return updated(m_in, v_in, fit, MvNormalMeanCovariance(vector(m_back), matrix(v_back)))


FUNCTIONS = {
    "unscented_statistics": unscented_statistics,
    "approximate": approximate,
    "approximate_meancov": approximate_meancov,
    "smoothRTS": smooth,
}


@pytest.mark.skipif(not CASES, reason="no table of approximations lies beside the project")
@pytest.mark.parametrize("case", CASES or [None], ids=[case["id"] for case in CASES] or ["none"])
def test_an_approximation_agrees_with_the_table(case):
    if "NaN" in case["args"]:
        pytest.skip("a covariance that is no number: here an error, not a message that says nothing")
    arguments = [function_of(a) if isinstance(a, dict) and "expr" in a else a for a in case["args"]]
    got = FUNCTIONS[case["function"]](*arguments)
    expected = case["expected"]
    wanted = expected["value"] if "value" in expected else [expected.get(str(k)) for k in range(2)]
    assert len(got) >= len(wanted)
    for mine, theirs in zip(got, wanted, strict=False):
        if theirs is not None:
            theirs = np.asarray(theirs, dtype=float)
            # Where the table has no tolerance its own arithmetic, which cancels for small alpha, keeps eight digits.
            np.testing.assert_allclose(np.squeeze(mine), np.squeeze(theirs), rtol=1e-6, atol=max(case.get("atol", 0.0), 1e-7))


def test_a_belief_with_a_joint_of_nothing_is_itself():
    """What the smoothing cases say: without a cross-covariance the value tells nothing."""
    m_in = MvNormalMeanCovariance([1.0, -2.0], [[2.0, 0.5], [0.5, 1.0]])
    back = MvNormalMeanCovariance([1.0, 1.0], np.eye(2))
    found = call_marginal_rule(Delta(lambda x: 0.0 * x), "in", meta=Unscented(), m_out=back, m_in=(m_in,))
    np.testing.assert_allclose(found.mean, m_in.mean)
    np.testing.assert_allclose(found.covariance, m_in.covariance)
