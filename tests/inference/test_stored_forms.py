"""Results under forms in files: the forms come back, and the restored graph infers what the first one did."""

import json
import zipfile

import numpy as np
import pytest

from reactivepgm import (
    FixedMarginal,
    Form,
    Gamma,
    MeanField,
    Normal,
    NormalMeanPrecision,
    NormalMeanVariance,
    PointMass,
    StorageError,
    WeightedSamples,
    form,
    infer,
    load_result,
    model,
    predict,
    randomvar,
)

DATA = {"y": np.array([0.5, 1.0, 0.0, 2.0])}
CUT = "q(x, tau) = q(x) q(tau)"
UNIT = Gamma(shape=1.0, rate=1.0)


@model
def walk(y):
    x = randomvar(len(y))
    tau = ~Gamma(shape=1.0, rate=1.0)
    x[0] = ~NormalMeanVariance(0.0, 100.0)
    x[1:] = ~NormalMeanPrecision(x[:-1], tau)
    y[:] = ~NormalMeanVariance(x, 0.5)


@model
def step(previous):
    tau = ~Gamma(shape=2.0, rate=1.0)
    new = ~NormalMeanPrecision(previous, tau)
    return new  # noqa: RET504 - a model names what it draws


@model
def nested(y):
    x = randomvar(len(y))
    x[0] = ~NormalMeanVariance(0.0, 1.0)
    for t in range(1, len(y)):
        x[t] = ~step(previous=x[t - 1])
    y[:] = ~NormalMeanVariance(2.0 * x + 1.0, 1.0)


def again(result, tmp_path):
    result.save(tmp_path / "result.rpgm")
    return load_result(tmp_path / "result.rpgm")


def assert_equal(one, other):
    assert list(one.posteriors) == list(other.posteriors)
    for name, belief in one.posteriors.items():
        assert type(belief) is type(other.posteriors[name])
        for parameter, value in belief.parameters.items():
            np.testing.assert_array_equal(value, other.posteriors[name].parameters[parameter])
    assert one.graph.same_as(other.graph) and one.graph.describe() == other.graph.describe()


@pytest.mark.parametrize(
    "constraint",
    [
        "q(tau) :: PointMass",
        "q(tau) :: PointMass(bounds=(0, 2))",
        "q(tau) :: SampleList(50, seed=3)",
        "q(tau) :: Gamma",
        "q(tau) :: Composite(ProjectedTo(Gamma), PointMass)",
        "mu(tau) :: Gamma",
        form("tau", FixedMarginal(Gamma(shape=2.0, rate=3.0))),
        form("x", FixedMarginal(Normal(mean=[0.0, 1.0, 2.0, 3.0], variance=1.0))),
    ],
    ids=str,
)
def test_forms_come_back(constraint, tmp_path):
    is_fixed = isinstance(constraint, type(form("x", PointMass))) and constraint.name == "tau"
    options = {"initialisation": {} if is_fixed else {"tau": UNIT}, "iterations": 4, "free_energy": True}
    result = infer(walk(), data=DATA, constraints=[CUT, constraint], **options)
    restored = again(result, tmp_path)
    assert_equal(result, restored)
    assert dict(restored.graph.forms) == dict(result.graph.forms) != {}
    once_more = infer(restored.graph, data=DATA, **options)
    assert_equal(result, once_more)
    np.testing.assert_array_equal(once_more.free_energy, result.free_energy)
    assert isinstance(result.posteriors["tau"], WeightedSamples) == ("SampleList" in str(constraint))


@pytest.mark.parametrize("kind", [PointMass, Gamma, "PointMass"], ids=str)
def test_a_declared_form_comes_back(kind, tmp_path):
    if kind == "PointMass":
        kind = FixedMarginal(UNIT)

    @model
    def f(y):
        tau = randomvar(form_constraint=kind)
        tau[...] = ~Gamma(shape=1.0, rate=1.0)
        y[:] = ~NormalMeanPrecision(0.0, tau)

    result = infer(f(), data=DATA)
    assert_equal(result, again(result, tmp_path))


def test_a_form_of_ones_own_comes_back_as_it_looked(tmp_path):
    class Halved(Form):
        """Half of the shape."""

        def __call__(self, belief):
            return Gamma(shape=0.5 * belief.shape, rate=belief.rate)

    options = {"data": DATA, "initialisation": {"tau": UNIT}}
    result = infer(walk(), constraints=[CUT, form("tau", Halved())], **options)
    restored = again(result, tmp_path)
    assert restored.posteriors["tau"] == result.posteriors["tau"]
    assert restored.graph.describe() == result.graph.describe()
    with pytest.raises(StorageError, match=r"the form Halved\(\) was not stored"):
        infer(restored.graph, **options)


@pytest.mark.parametrize(
    ("stored", "match"),
    [
        ([[99, {"form": "SampleList", "n": 5, "seed": 0}, None]], "array 99"),
        ([[1, {"form": "Cauchy"}, None]], "no form 'Cauchy'"),
        ([[1, {"form": "ProjectedTo", "family": "os"}, None]], "a form 'ProjectedTo' that cannot be"),
        ([[1, {"form": "ProjectedTo", "family": "Nothing"}, None]], "a form 'ProjectedTo' that cannot be"),
        ([[1, {"form": "PointMass", "bounds": {"tuple": [2.0, 1.0]}}, None]], "a form 'PointMass' that cannot be"),
        ([[1, {"form": "SampleList", "n": "many", "seed": 0}, None]], "a form 'SampleList' that cannot be"),
        ([[1, {"form": "SampleList"}, None]], "damaged"),
        ([[1, {"form": "Composite", "forms": 3}, None]], "damaged"),
        ("forms", "damaged"),
    ],
)
def test_damaged_forms_are_refused(stored, match, tmp_path):
    path = tmp_path / "result.rpgm"
    infer(walk(), data=DATA, constraints=CUT, initialisation={"tau": UNIT}).save(path)
    with zipfile.ZipFile(path) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    whole = json.loads(parts["content.json"])
    whole["body"]["graph"]["forms"] = stored
    parts["content.json"] = json.dumps(whole).encode()
    with zipfile.ZipFile(path, "w") as file:
        for name, content in parts.items():
            file.writestr(name, content)
    with pytest.raises(StorageError, match=match):
        load_result(path)


@pytest.mark.parametrize(
    ("constraints", "start"),
    [
        ("in step: q(previous, new, tau) = q(previous, new) q(tau)", {"step.tau": UNIT}),
        (MeanField(), {"step.tau": UNIT, "x": Normal(mean=0.0, variance=1.0)}),
    ],
    ids=["structured", "mean field"],
)
def test_models_inside_models_come_back(constraints, start, tmp_path):
    result = infer(nested(), data=DATA, constraints=constraints, initialisation=start, iterations=3, free_energy=True)
    restored = again(result, tmp_path)
    assert_equal(result, restored)
    one, other = (predict(r, 20, np.random.default_rng(0))["y"] for r in (result, restored))
    np.testing.assert_array_equal(one, other)
