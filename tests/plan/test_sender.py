"""What one cluster sends: constants once, one component alone where the rule takes an index."""

import numpy as np
import pytest

from reactivepgm import Beta, Gamma, MeanField, Normal, NormalMixture, infer, model, randomvar
from reactivepgm.distributions import Bernoulli
from reactivepgm.errors import DataError
from reactivepgm.inference.infer import Run
from reactivepgm.plan.sender import Sender

Y = np.random.default_rng(3).normal(size=40) + np.repeat([-2.0, 2.0], 20)
START = {
    "s": Beta(1.0, 1.0),
    **{f"m{k}": Normal(mean=4.0 * k - 6.0, variance=10.0) for k in (1, 2)},
    **{f"w{k}": Gamma(shape=1.0, rate=1.0) for k in (1, 2)},
}


@model
def mixture(y):
    """Two components, each a variable of its own."""
    s = ~Beta(1.0, 1.0)
    m1 = ~Normal(mean=-2.0, variance=1e3)
    m2 = ~Normal(mean=2.0, variance=1e3)
    w1 = ~Gamma(shape=0.1, rate=0.1)
    w2 = ~Gamma(shape=0.1, rate=0.1)
    z = randomvar(len(y))
    z[:] = ~Bernoulli(s)
    y[:] = ~NormalMixture(z, m=(m1, m2), p=(w1, w2))


@model
def labelled(y, z):
    """The same with the categories observed, as numbers."""
    m1 = ~Normal(mean=-2.0, variance=1e3)
    m2 = ~Normal(mean=2.0, variance=1e3)
    w1 = ~Gamma(shape=0.1, rate=0.1)
    w2 = ~Gamma(shape=0.1, rate=0.1)
    y[:] = ~NormalMixture(z, m=(m1, m2), p=(w1, w2))


def senders(run):
    return [
        Sender(run.plan.structure, cluster)
        for clusters in run.plan.structure.clusters.values()
        for cluster in clusters
        if not cluster.is_joint
    ]


def run_of(iterations):
    graph = mixture().build({"y": Y}).constrained(MeanField())
    run = Run(graph, graph.read_data({"y": Y}), START, {}, None)
    for _ in range(iterations):
        run.plan.iterate(run.beliefs)
    return run


def test_a_component_alone_receives_what_it_would_among_all():
    run = run_of(3)
    compared = 0
    for sender in senders(run):
        part = sender.part(run.beliefs)
        if sender.component is not None:
            whole = sender.message(run.beliefs)[:, sender.component]
            for name, value in part.parameters.items():
                np.testing.assert_allclose(value, getattr(whole, name), rtol=1e-13)
            compared += 1
    assert compared == 4


def test_a_message_that_reads_only_data_is_sent_once():
    run = run_of(1)
    prior = next(s for s in senders(run) if s.cluster.family.node.name == "GammaShapeRate")
    assert prior.part(run.beliefs) is prior.part(run.beliefs)
    run.beliefs.clamp({"y": Y})
    first = prior.part(run.beliefs)
    assert first == prior.part(run.beliefs)


def test_categories_observed_as_numbers_need_all_components():
    z = np.repeat([0.0, 1.0], 20)
    options = {"constraints": MeanField(), "iterations": 5, "initialisation": {k: v for k, v in START.items() if k != "s"}}
    q = infer(labelled(), {"y": Y, "z": z}, **options).posteriors
    again = infer(labelled(), {"y": Y, "z": np.eye(2)[z.astype(int)]}, **options).posteriors
    for name in ("m1", "m2", "w1", "w2"):
        np.testing.assert_allclose(q[name].mean, again[name].mean, rtol=1e-12)
    with pytest.raises(DataError, match="categories count from 0 to 1"):
        infer(labelled(), {"y": Y, "z": z + 1.0}, **options)
