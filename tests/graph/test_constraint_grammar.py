"""A hundred thousand texts grown from the grammar of constraints and then damaged: read, or refused with a position.

The texts come from a seeded generator, so that every run reads the same ones; a text that is not damaged must be read.
"""

import random

import numpy as np
import pytest

from reactivepgm.distributions import Gamma, NormalMeanPrecision, NormalMeanVariance
from reactivepgm.errors import ConstraintError, ConstraintSyntaxError, ReactivePGMError
from reactivepgm.graph.constraint_text import parse_block, parse_constraint, parse_product
from reactivepgm.language import model, randomvar

TEXTS = 100_000
PARTS = 10
NAMES = ["x", "tau", "y_mean", "σ²", "μ", "w_1", "in_", "prod_x", "q", "mu", "Λ"]
FAMILIES = ["Normal", "Gamma", "Beta", "NormalMeanVariance", "GammaShapeRate", "MvNormal", "InverseGamma"]
GIVEN = ["Gamma(shape=1.0, rate=2.0)", "Beta(1.0, 2.0)", "Normal(mean=0.0, variance=1e-3)", "Bernoulli(0.5)"]
DEBRIS = [*"q()=,*[]:.-∏²'\"\\ \n\t", "::", "prod", "in ", "1e999", "-", "0x1F", "٣", "\x00", "\ud800", "q(", ")) ", "inf"]


def term(rng, *, indices=True):
    name = rng.choice(NAMES)
    kind = rng.random()
    if not indices or kind < 0.7:
        return name
    low, high = rng.randrange(9), rng.randrange(9, 20)
    return f"{name}[{rng.choice([f'{low}:{high}', f':{low}', f'{low}:', f'{low}'])}]"


def factor(rng, **options):
    names = [term(rng, **options) for _ in range(rng.randint(1, 4))]
    return f"q({rng.choice([', ', ',', ' , ']).join(names)})"


def product(rng, **options):
    return rng.choice([" ", " * ", "*", ""]).join(factor(rng, **options) for _ in range(rng.randint(1, 5)))


def equation(rng):
    if rng.random() < 0.2:
        name = rng.choice(NAMES)
        return f"q({name}) = {rng.choice(['prod', '∏'])} q({name}[i])"
    names = rng.sample(NAMES, rng.randint(2, 5))
    cut = rng.randint(1, len(names) - 1)
    parts = [f"q({', '.join(part)})" for part in (names[:cut], names[cut:])]
    return f"q({', '.join(names)}) = {rng.choice([' ', ' * ']).join(parts)}"


def form(rng, depth=0):
    kinds = ["PointMass", "PointMass()", "PointMass(bounds=(0, 1))", "PointMass(bounds=(-inf, 2.5))"]
    kinds += [f"SampleList({rng.randint(1, 5000)})", f"SampleList(n=10, seed={rng.randrange(99)})"]
    kinds += [rng.choice(FAMILIES), f"ProjectedTo({rng.choice(FAMILIES)})"]
    if depth == 0:
        kinds += [f"FixedMarginal({rng.choice(GIVEN)})"] * 2
        kinds += [f"Composite({form(rng, 1)}, {form(rng, 1)})"] * 2
    return rng.choice(kinds)


def statement(rng):
    if rng.random() < 0.1:
        return rng.choice(["MeanField()", "BetheFactorisation()"])
    if rng.random() < 0.5:
        return equation(rng)
    return f"{rng.choice(['q', 'mu', 'μ'])}({rng.choice(NAMES)}) :: {form(rng)}"


def constraint(rng):
    scope = f"in {rng.choice(['sub', 'sub.inner', 'step_2'])}: " if rng.random() < 0.2 else ""
    return scope + statement(rng)


def damaged(rng, text):
    """Left out, doubled, swapped, replaced, cut off, or mixed with a second text, one to four times."""
    for _ in range(rng.randint(1, 4)):
        start = rng.randrange(len(text) + 1)
        stop = min(len(text), start + rng.randint(0, 6))
        what = rng.randrange(6)
        piece = text[start:stop]
        if what == 0:
            text = text[:start] + text[stop:]
        elif what == 1:
            text = text[:start] + piece * rng.randint(2, 4) + text[stop:]
        elif what == 2:
            text = text[:start] + rng.choice(DEBRIS) + text[rng.choice([start, stop]) :]
        elif what == 3:
            text = text[:start]
        elif what == 4:
            other = statement(rng)
            text = text[:start] + other[rng.randrange(len(other)) :]
        else:
            text = text[:start] + piece[::-1] + text[stop:]
    return text


def is_read(read, text):
    try:
        read(text)
    except ConstraintSyntaxError as error:
        assert 0 <= error.position <= len(text), text
        letter = str(error)
        assert f"at position {error.position}:" in letter and "write" in letter, text
        return False
    return True


@pytest.mark.parametrize("part", range(PARTS))
def test_texts_from_the_grammar_and_damaged_ones(part):
    rng = random.Random(part)
    counts = {True: 0, False: 0}
    for number in range(TEXTS // PARTS):
        is_where = number % 4 == 0
        whole = product(rng) if is_where else constraint(rng)
        text = whole if number % 5 == 0 else damaged(rng, whole)
        for read in (parse_product,) if is_where else (parse_constraint, parse_block):
            counts[is_read(read, text)] += 1
    assert min(counts.values()) > TEXTS // PARTS // 10  # neither side is idle


def test_what_the_grammar_grows_is_read():
    rng = random.Random(7)
    for _ in range(5000):
        text = constraint(rng)
        assert is_read(parse_constraint, text), text
        text = product(rng, indices=False)
        assert is_read(parse_product, text), text


@model
def chain(y):
    x = randomvar(len(y))
    tau = ~Gamma(shape=1.0, rate=1.0)
    x[0] = ~NormalMeanVariance(0.0, 1.0)
    x[1:] = ~NormalMeanPrecision(x[:-1], tau)
    y[:] = ~NormalMeanVariance(x, 1.0)


def test_texts_applied_to_a_model_end_in_a_graph_or_a_letter():
    rng = random.Random(11)
    graph = chain().build({"y": np.zeros(4)})
    applied = 0
    for number in range(3000):
        text = constraint(rng).replace("y_mean", "x").replace("σ²", "tau")
        text = damaged(rng, text) if number % 2 else text
        try:
            graph.constrained(text)
            applied += 1
        except ConstraintError:
            pass
        except ReactivePGMError as error:  # a parameter of a fixed marginal outside its support, and the like
            assert "FixedMarginal" in text, (text, error)
    assert applied > 100
