"""Arguments of the verbs that make no sense are told in the library's own words, before anything runs."""

import functools

import pytest

from reactivepgm import (
    ConstraintError,
    DataError,
    InferenceError,
    InvalidParameterError,
    MeanField,
    ModelError,
    NormalMeanVariance,
    PointMass,
    constvar,
    explain,
    factorise,
    form,
    infer,
    model,
    predict,
    randomvar,
    sample_prior,
    within,
)


@model
def level(y):
    x = ~NormalMeanVariance(0.0, 1.0)
    y[:] = ~NormalMeanVariance(x, 1.0)


DATA = {"y": [1.0, 2.0]}


@pytest.mark.parametrize(
    ("options", "error", "complaint"),
    [
        ({"iterations": 0}, InvalidParameterError, "iterations must be at least 1, and whole, not 0"),
        ({"iterations": "ten"}, InvalidParameterError, "iterations must be at least 1, and whole, not 'ten'"),
        ({"iterations": 2.5}, InvalidParameterError, "not 2.5"),
        ({"damping": 1.0}, InvalidParameterError, r"damping must lie in \[0, 1\), not 1.0"),
        ({"damping": "much"}, InvalidParameterError, "not 'much'"),
        ({"initialisation": 3}, DataError, "initialisation must map names to distributions, not 3"),
        ({"messages": 3}, DataError, "messages must map names to distributions, not 3"),
        ({"messages": {"x": 3}}, DataError, "the first message to `x` must be a distribution, not int"),
        ({"returnvars": 3}, ModelError, "returnvars must hold names of random variables, not 3"),
        ({"returnvars": [["x"]]}, ModelError, "returnvars: the model has no random variable"),
    ],
    ids=repr,
)
def test_options_of_infer(options, error, complaint):
    with pytest.raises(error, match=complaint):
        infer(level(), data=DATA, **options)


@pytest.mark.parametrize(
    ("verb", "error", "complaint"),
    [
        (functools.partial(explain, 3), ModelError, "explain needs a model instance or a graph, not int"),
        (functools.partial(explain, level), ModelError, r"explain needs level\(...\)"),
        (functools.partial(sample_prior, 3, 10), ModelError, "sample_prior needs a model instance or a graph, not int"),
        (functools.partial(predict, 3, 10), InferenceError, "predict needs the result of an inference, not int"),
        (functools.partial(factorise), ConstraintError, r"factorise\(\) names no variable"),
        (functools.partial(factorise, 3), ConstraintError, "factorise takes names of variables, not 3"),
        (functools.partial(factorise, ("x", 3)), ConstraintError, "factorise takes names of variables"),
        (functools.partial(form, 3, PointMass), ConstraintError, "form takes the name of a variable first, not 3"),
        (functools.partial(within, 3, MeanField()), ConstraintError, "within takes a submodel's name first, not 3"),
        (functools.partial(model, 3), ModelError, "@model stands above 3, which is no function"),
        (functools.partial(model, int), ModelError, "@model stands above the class int, which is no function"),
        (functools.partial(model, contract="yes"), ModelError, "contract=True or contract=False"),
        (functools.partial(model, lift=None), ModelError, "lift=True or lift=False"),
    ],
)
def test_other_verbs(verb, error, complaint):
    with pytest.raises(error, match=complaint):
        verb()


@pytest.mark.parametrize("rng", ["seed", -1, 1.5])
def test_seeds(rng):
    with pytest.raises(InvalidParameterError, match=r"rng must be a np.random.Generator, or a seed"):
        sample_prior(level(), 3, rng, DATA)
    with pytest.raises(InvalidParameterError, match="not"):
        predict(infer(level(), data=DATA), 3, rng)


@pytest.mark.parametrize(
    ("declare", "error", "complaint"),
    [
        (lambda: constvar(lambda i: "a", 3), ModelError, r"constvar could not make numbers of (.|\n)*a function of 1 index"),
        (lambda: constvar(lambda: 3.0, 2, 2), ModelError, "a function of 2 indices that returns a number"),
        (lambda: randomvar(form_constraint=3), ConstraintError, r"the form of x is none(.|\n)*arguments.py(.|\n)*3 is no form"),
    ],
    ids=["no number", "no index", "no form"],
)
def test_declarations(declare, error, complaint):
    @model
    def declares():
        x = declare()
        return {"x": x}

    with pytest.raises(error, match=complaint):
        declares().build()
