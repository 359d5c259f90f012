"""Results in files: what comes back is equal; whatever is damaged, foreign or newer is refused with a reason."""

import io
import json
import operator
import os
import zipfile

import numpy as np
import pytest

from reactivepgm import (
    Bernoulli,
    Beta,
    Categorical,
    Contingency,
    Dirichlet,
    DirichletCollection,
    Factorized,
    Gamma,
    GammaShapeLikelihood,
    GammaShapeRate,
    GammaShapeScale,
    InverseGamma,
    InverseWishart,
    LogDensity,
    MvNormalMeanCovariance,
    MvNormalMeanPrecision,
    MvNormalWeightedMeanPrecision,
    NormalMeanPrecision,
    NormalMeanVariance,
    NormalMixture,
    NormalWeightedMeanPrecision,
    PointMass,
    Poisson,
    Posteriors,
    ProductOfDensities,
    Result,
    StorageError,
    Uniform,
    Uninformative,
    Wishart,
    infer,
    load_result,
    model,
    predict,
    randomvar,
)
from reactivepgm.graph import GraphBuilder
from tests.distributions.zoo import members

FAMILIES = [
    NormalMeanVariance(1.0, [1.0, 2.0]),
    NormalMeanPrecision([[1.0]], 2.0),
    NormalWeightedMeanPrecision(1.0, 0.0),
    MvNormalMeanCovariance(np.zeros((3, 2)), np.eye(2)),
    MvNormalMeanPrecision([0.0, 1.0], np.eye(2)),
    MvNormalWeightedMeanPrecision([0.0, 1.0], np.zeros((2, 2))),
    GammaShapeRate(1.0, 2.0),
    GammaShapeScale(np.float32([1.0, 2.0]), np.float32(2.0)),
    GammaShapeLikelihood(3.0, 1.2),
    InverseGamma(1.0, [2.0]),
    Wishart(3.0, np.eye(2)),
    Wishart.from_inverse_scale(0.0, np.zeros((2, 2))),
    InverseWishart(3.0, np.eye(2)),
    Beta(1.0, 2.0),
    Bernoulli([0.25, 1.0]),
    Categorical([[0.5, 0.5], [0.1, 0.9]]),
    Contingency(np.full((3, 2, 2), 0.25), event_rank=2),
    Dirichlet([1.0, 2.0]),
    DirichletCollection(np.ones((5, 2, 3)), event_rank=2),
    Poisson(3.0),
    PointMass([1.0, 2.0], event_rank=0),
    PointMass(np.eye(2)),
    Uniform(0.0, np.inf),
    Uninformative(),
    Factorized({"a": Beta(1.0, 2.0), ("b", "c"): PointMass([1.0, 2.0])}),
    ProductOfDensities((NormalMeanVariance(0.0, 1.0), GammaShapeRate(1.0, 1.0))),
]


@model
def chain(y):
    x = randomvar(len(y))
    w = ~Gamma(shape=1.0, rate=1.0)
    x[0] = ~NormalMeanVariance(0.0, 10.0)
    y[0] = ~NormalMeanPrecision(x[0], w)
    for t in range(1, len(y)):
        x[t] = ~NormalMeanVariance(0.5 * x[t - 1], 1.0)
        y[t] = ~NormalMeanPrecision(x[t], w)
    return x, w, {"steps": len(y)}


def chained():
    start = {"w": Gamma(shape=1.0, rate=1.0), "x": NormalMeanVariance(0.0, 1.0)}
    data = {"y": [1.0, None, 2.0, 3.0]}
    constraint = "q(x, w) = q(x) q(w)"
    return infer(chain(), data, constraints=constraint, initialisation=start, iterations=5, free_energy=True)


def stored(result, tmp_path, name="result.rpgm"):
    result.save(tmp_path / name)
    return load_result(tmp_path / name)


def is_equal(one, other):
    return (
        one.posteriors == other.posteriors
        and one.hidden == other.hidden
        and np.array_equal(one.free_energy, other.free_energy)
        and (one.iterations, one.converged, one.duration) == (other.iterations, other.converged, other.duration)
        and one.graph.describe() == other.graph.describe()
        and one.graph.same_as(other.graph)
    )


def test_a_result_comes_back_equal(tmp_path):
    result = chained()
    again = stored(result, tmp_path)
    assert is_equal(result, again)
    assert list(again.posteriors) == list(result.posteriors)
    assert repr(again) == repr(result)
    assert [family.site for family in again.graph.families] == [family.site for family in result.graph.families]
    assert [family.labels for family in again.graph.families] == [dict(family.labels) for family in result.graph.families]
    assert again.graph.variables["x"].graph is again.graph


def test_a_restored_result_predicts_the_same(tmp_path):
    result = chained()
    one, other = predict(result, 50, 1), predict(stored(result, tmp_path), 50, 1)
    np.testing.assert_array_equal(one["y"], other["y"])


def test_a_restored_graph_infers_the_same(tmp_path):
    @model
    def coin(y):
        p = ~Beta(a=1.0, b=1.0)
        y[:] = ~Bernoulli(p)

    graph = stored(infer(coin(), {"y": [1, 0, 1]}), tmp_path).graph
    assert infer(graph, {"y": [1, 1, 1]}).posteriors["p"] == Beta(4.0, 1.0)


def test_a_mixture_and_covariates(tmp_path):
    builder = GraphBuilder()
    z, y, x = builder.random("z", (3,)), builder.data("y", (3,)), builder.data("x", (3,))
    builder.add("Bernoulli", {"out": z, "p": 0.5})
    builder.add("NormalMixture", {"out": y, "switch": z, "m": (x, x * 2.0), "p": (1.0, 2.0)})
    result = infer(builder.finish(), {"y": [1.0, 2.0, 3.0], "x": [1.0, 1.0, 2.0]})
    again = stored(result, tmp_path)
    assert is_equal(result, again)
    np.testing.assert_array_equal(again.covariates["x"], [1.0, 1.0, 2.0])
    assert again.graph.family(1).node is NormalMixture


@pytest.mark.parametrize("belief", [*FAMILIES, *members()], ids=lambda belief: type(belief).__name__)
def test_every_distribution_comes_back_equal(belief, tmp_path):
    result = Result(Posteriors({"x": belief}), np.array([np.inf, np.nan]), 1, None, 0.5, GraphBuilder().finish())
    again = stored(result, tmp_path)
    assert again.posteriors["x"] == belief
    assert type(again.posteriors["x"]) is type(belief)
    assert again.posteriors["x"].batch_shape == belief.batch_shape
    np.testing.assert_array_equal(again.free_energy, result.free_energy)
    for name, value in belief.parameters.items():
        assert np.asarray(again.posteriors["x"].parameters[name]).dtype == np.asarray(value).dtype


def test_a_belief_that_is_a_function_is_refused_when_saving(tmp_path):
    belief = LogDensity(lambda x: -x * x)
    result = Result(Posteriors({"x": belief}), np.array([]), 1, None, 0.5, GraphBuilder().finish())
    with pytest.raises(StorageError, match="the posterior of x cannot be stored: LogDensity"):
        result.save(tmp_path / "result.rpgm")
    assert list(tmp_path.iterdir()) == []


def test_a_mixture_with_fixed_and_random_components(tmp_path):
    @model
    def mixture(y):
        m = ~NormalMeanVariance(3.0, 1.0)
        z = ~Bernoulli(0.5)
        y[...] = ~NormalMixture(z, (0.0, m), (1.0, 2.0))

    graph = mixture().build({"y": 1.0})
    again = stored(Result(Posteriors({}), np.array([]), 1, True, 0.1, graph), tmp_path).graph
    assert again.describe() == graph.describe()
    assert again.same_as(graph)


def test_what_is_no_plain_value_comes_back_as_what_it_looked_like(tmp_path):
    class Meta:
        def __repr__(self):
            return "Meta(3)"

    @model
    def curved(y):
        m = ~NormalMeanVariance(0.0, 1.0)
        y[...] = ~NormalMeanVariance(m, 1.0).where(meta=Meta(), pipeline=None)
        return m, operator.add

    graph = curved().build({"y": 1.0})
    posterior = Posteriors({"m": NormalMeanVariance(0.0, 1.0)})
    again = stored(Result(posterior, np.array([]), 1, True, 0.1, graph, returned=(1.0, operator.add)), tmp_path)
    assert again.graph.describe() == graph.describe()
    assert repr(again.graph.family(1).meta) == "Meta(3)"
    assert again.returned[0] == 1.0
    with pytest.raises(StorageError, match="built-in function add> was not stored"):
        again.returned[1](1, 2)


def test_functions_as_factors_come_back_without_their_function(tmp_path):
    def square(x):
        return x * x

    @model
    def curved(y):
        x = ~NormalMeanVariance(0.0, 1.0)
        s = ~square(x)
        y[...] = ~NormalMeanVariance(s, 1.0)

    graph = curved().build({"y": 1.0})
    again = stored(Result(Posteriors({}), np.array([]), 1, True, 0.1, graph), tmp_path).graph
    assert again.describe() == graph.describe()
    node = again.family(1).node
    assert node.name == "Delta(square)"
    with pytest.raises(StorageError, match=r"the function of the node Delta\(square\) was not stored"):
        node(2.0)


def test_expressions_over_data_come_back_without_their_values(tmp_path):
    @model
    def shifted(y, x):
        m = ~NormalMeanVariance(0.0, 1.0)
        y[0] = ~NormalMeanVariance(m, 1.0)
        y[1] = ~NormalMeanVariance(np.sin(x), 1.0)

    result = infer(shifted(), {"y": [1.0, 2.0], "x": 0.5})
    again = stored(result, tmp_path)
    assert is_equal(result, again)
    with pytest.raises(StorageError, match="an expression over the data x was not stored"):
        infer(again.graph, {"y": [1.0, 2.0], "x": 0.5})


def test_the_file_holds_no_pickle(tmp_path):
    chained().save(tmp_path / "result.rpgm")
    with zipfile.ZipFile(tmp_path / "result.rpgm") as file:
        assert file.namelist() == ["content.json", "arrays.npz"]
        with np.load(io.BytesIO(file.read("arrays.npz")), allow_pickle=False) as table:
            assert all(table[name].dtype.kind in "biuf" for name in table.files)


def test_the_file_is_replaced_as_a_whole(tmp_path, monkeypatch):
    path = tmp_path / "result.rpgm"
    chained().save(path)
    before = path.read_bytes()

    def broken(*_):
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OSError, match="no space left"):
        chained().save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_keeps_pointing_to_the_file(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "result.rpgm")
    chained().save(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert load_result(tmp_path / "result.rpgm").iterations == 5


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_result(tmp_path / "none.rpgm")
    with pytest.raises(OSError, match="none"):
        chained().save(tmp_path / "none" / "result.rpgm")


def rewritten(path, change, name="content.json"):
    """The file with its JSON changed and its archive in order."""
    with zipfile.ZipFile(path) as file:
        parts = {n: file.read(n) for n in file.namelist()}
    whole = json.loads(parts["content.json"])
    change(whole)
    parts["content.json"] = json.dumps(whole).encode()
    with zipfile.ZipFile(path, "w") as file:
        for n, content in parts.items():
            file.writestr(n, content)


def refused(tmp_path, change, match):
    path = tmp_path / "result.rpgm"
    chained().save(path)
    rewritten(path, change)
    with pytest.raises(StorageError, match=match) as caught:
        load_result(path)
    assert str(path) in str(caught.value)


def set_in(*keys, to):
    def change(whole):
        for key in keys[:-1]:
            whole = whole[key]
        whole[keys[-1]] = to

    return change


def test_a_newer_version_is_refused(tmp_path):
    refused(tmp_path, set_in("format_version", to=2), "has format version 2, written by reactivepgm .*upgrade it")


def test_another_format_is_refused(tmp_path):
    refused(tmp_path, set_in("format", to="notebook"), "it is of another format")


def test_an_unknown_distribution_is_refused(tmp_path):
    change = set_in("body", "posteriors", "w", "class", to="Cauchy")
    refused(tmp_path, change, "Cauchy is no distribution that is known here; import the module")


@pytest.mark.parametrize(
    ("keys", "to", "match"),
    [
        (("format_version",), "1", "its format version is '1'"),
        (("arrays_sha256",), "0", "its arrays are not those"),
        (("body", "iterations"), None, "damaged"),
        (("body", "free_energy"), {"array": "b"}, "no array 'b'"),
        (("body", "free_energy"), {"code": "x"}, "cannot be read"),
        (("body", "posteriors", "w", "parameters"), {"shape": 1.0}, "damaged"),
        (("body", "posteriors", "w", "parameters"), {"shape": 1.0, "rate": "x"}, "damaged"),
        (("body", "graph", "families", 0, "clusters"), [["out"]], "no partition"),
        (("body", "graph", "families", 1, "bindings", "out", "arrays"), [99], "no random array number 99"),
        (("body", "graph", "families", 1, "rows"), 7, "does not fit a family of 7 rows"),
        (("body", "graph", "arrays", 0, "kind"), "secret", "no kind of variable 'secret'"),
        (("body", "graph", "arrays", 1, "shape"), [2], "damaged|refers to an element"),
    ],
)
def test_parts_that_do_not_fit_are_refused(keys, to, match, tmp_path):
    refused(tmp_path, set_in(*keys, to=to), match)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "is no reactivepgm result"),
        (b"x, y\n1, 2\n", "is no reactivepgm result"),
        (b"PK\x03\x04 and then nothing", "damaged or truncated"),
    ],
)
def test_foreign_files_are_refused(content, match, tmp_path):
    path = tmp_path / "foreign"
    path.write_bytes(content)
    with pytest.raises(StorageError, match=match):
        load_result(path)


def test_a_foreign_archive_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "foreign.zip", "w") as file:
        file.writestr("notes.txt", "no result")
    with pytest.raises(StorageError, match=r"holds no content\.json"):
        load_result(tmp_path / "foreign.zip")
    np.savez(tmp_path / "foreign.npz", a=np.zeros(3))
    with pytest.raises(StorageError, match=r"holds no content\.json"):
        load_result(tmp_path / "foreign.npz")


def test_a_file_cut_off_anywhere_is_refused(tmp_path):
    path = tmp_path / "result.rpgm"
    chained().save(path)
    content = path.read_bytes()
    # Everywhere around the records of the archive, and at every eleventh byte of the rest.
    cuts = {*range(200), *range(len(content) - 400, len(content)), *range(0, len(content), 11)}
    for cut in sorted(cuts):
        path.write_bytes(content[:cut])
        with pytest.raises(StorageError):
            load_result(path)


def test_flipped_bytes_are_refused_or_harmless(tmp_path):
    path = tmp_path / "result.rpgm"
    result = chained()
    result.save(path)
    content = path.read_bytes()
    rng = np.random.default_rng(1)
    # The records of the archive at its end are small, and where most kinds of damage are possible.
    places = [*rng.integers(0, len(content), 1500), *rng.integers(len(content) - 250, len(content), 1500)]
    refusals = 0
    for place in places:
        damaged = bytearray(content)
        for at in (place, *rng.integers(0, len(content), int(rng.integers(0, 3)))):
            damaged[at] ^= int(rng.integers(1, 256))
        path.write_bytes(bytes(damaged))
        try:
            again = load_result(path)
        except StorageError:
            refusals += 1
        else:
            assert is_equal(result, again)
    assert refusals > len(places) // 2
