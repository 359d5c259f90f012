"""``explain``: updates in order, sweeps, rules with their lines; before anything runs, without data values."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from rich.console import Console

from reactivepgm import (
    Bernoulli,
    Beta,
    Categorical,
    DirichletCollection,
    DiscreteTransition,
    Gamma,
    GammaShapeRate,
    Interface,
    MeanField,
    ModelError,
    Node,
    Normal,
    compare,
    explain,
    infer,
    model,
    randomvar,
    register,
)
from reactivepgm.plan import Beliefs


@model
def coin(y):
    p = ~Beta(a=1.0, b=1.0)
    y[:] = ~Bernoulli(p)


@model
def walk(y):
    x = randomvar(len(y))
    tau = ~Gamma(shape=1.0, rate=1.0)
    x[0] = ~Normal(mean=0.0, variance=9.0)
    x[1:] = ~Normal(mean=x[:-1], precision=tau).where(q="q(out, mean) q(precision)")
    y[:] = ~Normal(mean=x, variance=1.0)


@model
def hidden(y, n):
    A = ~DirichletCollection(np.ones((2, 2)))
    s = randomvar(n)
    s[0] = ~Categorical([0.5, 0.5])
    s[1:] = ~DiscreteTransition(s[:-1], A).where(q="q(out, in) q(a)")
    y[:] = ~DiscreteTransition(s, [[0.9, 0.2], [0.1, 0.8]])


@model
def ring(y):
    x = randomvar(3)
    x[:] = ~Normal(mean=0.0, variance=1.0)
    for i in range(3):
        y[i] = ~Normal(mean=x[i] - x[(i + 1) % 3], variance=1.0)


@model
def doubled(y):
    x = ~Normal(mean=0.0, variance=1.0)
    y[:] = ~Normal(mean=x + x, variance=1.0)


TAU = {"tau": GammaShapeRate(1.0, 1.0)}
WALK = {"y": np.zeros(100)}


def sweeps(explanation):
    return [(update.variables, update.regions, update.sweep) for update in explanation.updates]


def test_updates_in_order_with_regions_and_sweeps():
    assert sweeps(explain(coin(), {"y": [1.0, 0.0]})) == [("p", 1, "one variable a region")]
    assert sweeps(explain(walk(), WALK, initialisation=TAU)) == [
        ("x[100]", 1, "linear-Gaussian contraction"),
        ("tau", 1, "one variable a region"),
    ]
    (update,) = explain(ring(), {"y": [0.0, 0.0, 0.0]}).updates
    assert update.sweep == "linear-Gaussian cycles at once" and "x[3]" in update.variables


def test_colours_of_a_mean_field_chain():
    @model
    def chain(y):
        x = randomvar(len(y))
        x[0] = ~Normal(mean=0.0, variance=9.0)
        x[1:] = ~Normal(mean=x[:-1], variance=1.0)
        y[:] = ~Normal(mean=x, variance=1.0)

    start = {"x": Normal(mean=0.0, variance=1.0)}
    updates = explain(chain(), WALK, constraints=MeanField(), initialisation=start).updates
    assert [(u.variables, u.colour, u.regions) for u in updates] == [("x: 50 of 100", 0, 50), ("x: 50 of 100", 1, 50)]


@pytest.mark.parametrize(
    "instance, data, options",
    [
        (coin(), {"y": [1.0]}, {}),
        (walk(), WALK, {"initialisation": TAU}),
        (hidden(n=4), {"y": np.eye(2)[[0, 1, 1, 0]]}, {"initialisation": {"A": DirichletCollection(np.ones((2, 2)))}}),
        (ring(), {"y": [0.1, 0.2, 0.3]}, {}),
        (doubled(), {"y": [0.1, 0.2]}, {}),
    ],
    ids=["coin", "walk", "hidden", "ring", "doubled"],
)
def test_what_is_explained_is_what_runs(instance, data, options):
    explanation = explain(instance, data, **options)
    result = infer(instance, data, iterations=100, **options)
    told = {name: kind for update in explanation.updates for name, kind in update.marginals.items()}
    for name, belief in result.posteriors.items():
        assert told[name] == type(belief).__name__
    from reactivepgm.inference.infer import Run
    from reactivepgm.plan import LoopySchedule

    graph = instance.build(data)
    run = Run(graph, graph.read_data(data), options.get("initialisation", {}), {}, LoopySchedule())
    run.plan.iterate(run.beliefs)
    ran = [line.rpartition(", ")[2] for line in run.plan.describe().splitlines()]
    assert [update.sweep for update in explanation.updates] == ran


def test_rules_are_named_with_signature_and_line():
    explanation = explain(walk(), WALK, initialisation=TAU)
    uses = {(number, use.what): use for number, rules in explanation.rules.items() for use in rules}
    energy, kernel = uses[2, "average energy"], uses[2, "kernel mean → out"]
    assert "q_out_mean" in energy.rule and kernel.gives == "a kernel"
    assert re.fullmatch(r"normal_mean_precision\.py:\d+", kernel.at)
    assert uses[2, "→ precision"].gives == "GammaShapeRate"


def test_nothing_runs(monkeypatch):
    def never(*_):
        raise AssertionError("it ran")

    monkeypatch.setattr(Beliefs, "clamp", never)
    monkeypatch.setattr(Beliefs, "replace", never)
    graph = walk().build(WALK)
    assert len(explain(graph, initialisation=TAU).updates) == 2


def test_without_initial_marginals_it_says_what_is_needed_and_goes_on():
    explanation = explain(hidden(n=4), {"y": np.eye(2)[[0, 1, 1, 0]]})
    (note,) = explanation.notes
    assert "initial marginals are needed" in note and "family of its prior" in note
    assert [update.sweep for update in explanation.updates] == ["one variable a region", "discrete contraction"]
    assert all(use.rule != "decided when run" for rules in explanation.rules.values() for use in rules)
    with pytest.raises(ModelError, match="no random variable `B`"):
        explain(hidden(n=4), {"y": np.eye(2)[[0, 1, 1, 0]]}, initialisation={"B": Beta(1.0, 1.0)})


def halved(x):
    return x


HALF = register(Node("halved_", "deterministic", (Interface("out"), Interface("in")), halved))


def test_missing_rules_are_listed_with_their_letters():
    @model
    def strange(y):
        x = ~Normal(mean=0.0, variance=1.0)
        z = ~HALF(x)
        y[:] = ~Normal(mean=z, variance=1.0)

    explanation = explain(strange(), {"y": [1.0]})
    assert any("z = ~HALF(x)" in letter and "no rule for halved_" in letter for letter in explanation.missing)
    assert "missing" in {use.rule for use in explanation.rules[1]} and "missing: no rule" in repr(explanation)


def test_it_prints_and_shows_itself():
    explanation = explain(walk(), WALK, initialisation=TAU)
    text = repr(explanation)
    assert "one iteration, in order" in text and "99 × NormalMeanPrecision   q(out, mean) q(precision)" in text
    assert max(map(len, text.splitlines())) < 160
    console = Console(record=True, width=120, file=__import__("io").StringIO())
    console.print(explanation)
    assert "linear-Gaussian contraction" in console.export_text()
    html = explanation._repr_html_()
    ET.fromstring(html)
    assert "<script" not in html and "q_out_mean" in html


def test_results_and_comparisons_show_themselves():
    result = infer(walk(), WALK, initialisation=TAU, iterations=5, free_energy=True)
    html = result._repr_html_()
    ET.fromstring(html)
    assert "polyline" in html and "NormalMeanVariance" in html
    assert "polyline" not in infer(coin(), {"y": [1.0]}, free_energy=True)._repr_html_()
    ET.fromstring(result.posteriors._repr_html_())
    table = compare(coin(), {"y": [1.0, 0.0]}, constraints={"<b>as is</b>": None, "cut & dried": MeanField()})._repr_html_()
    ET.fromstring(table)
    assert "&lt;b&gt;as is" in table and "cut &amp; dried" in table
