"""Lifted loops give the graph of the untouched loop, number by number; whatever could mean something else is not lifted."""

import numpy as np
import pytest

from reactivepgm.distributions import NormalMeanVariance
from reactivepgm.errors import ModelError
from reactivepgm.language import model, randomvar
from tests.language.same_graph import assert_identical, both, outcome

N = 20
DATA = {"y": np.linspace(-1.0, 1.0, N)}
HEAD = "@model(lift=LIFT)\ndef f(y, c, g, k, table, n, flag=True, words=('a', 'b'), rows=None, thing=None):\n"
ARGUMENTS = {
    "c": np.linspace(1.0, 2.0, N),
    "g": np.array([0, 1, 2, 1] * (N // 4)),
    "k": 3,
    "table": np.linspace(1.0, 2.0, 3 * N).reshape(N, 3),
    "n": N,
    "rows": [float(i) / 2 for i in range(N)],
}


def text_of(body: str) -> str:
    return HEAD + "".join(f"    {line}\n" for line in body.strip("\n").splitlines())


def run(body, data=DATA, **arguments):
    """Build both ways; both must agree in everything."""
    return both(text_of(body), data, **{**ARGUMENTS, **arguments})


LIFTED = {
    "a random walk": """
x = randomvar(n)
x[0] = ~NormalMeanVariance(0.0, 100.0)
for t in range(1, n):
    x[t] = ~NormalMeanVariance(x[t - 1], 1.0)
    y[t] = ~NormalMeanVariance(x[t], 1.0)
return x, t
""",
    "a vector of observations": """
m = ~NormalMeanVariance(0.0, 1.0)
for t in range(len(y)):
    y[t] = ~NormalMeanVariance(m, 1.0)
return m
""",
    "backwards": """
x = randomvar(n)
for t in range(n - 1, -1, -1):
    x[t] = ~NormalMeanVariance(0.0, 1.0)
return x, t
""",
    "a stride and an offset": """
x = randomvar(n)
for t in range(1, n // 2, 2):
    x[2 * t + 1] = ~NormalMeanVariance(0.0, 1.0)
    y[t - 1] = ~NormalMeanVariance(x[2 * t + 1], 1.0)
return t
""",
    "an index with a name": """
x = randomvar(n + 1)
for t in range(n):
    j = t + 1
    j = j - 1
    x[j] = ~NormalMeanVariance(0.0, 1.0)
return j
""",
    "an index modulo": """
x = randomvar(4)
for t in range(n):
    y[t] = ~NormalMeanVariance(x[t % 4], 1.0)
for t in range(n):
    y[t] = ~NormalMeanVariance(x[t // 5], 1.0)
return x
""",
    "indices that go round": """
x = randomvar(n)
for t in range(n):
    y[t] = ~NormalMeanVariance(x[(t - 1) % n], 1.0)
return x
""",
    "a fresh variable in every turn": """
for t in range(n):
    e = ~NormalMeanVariance(0.0, 1.0)
    y[t] = ~NormalMeanVariance(e, 1.0)
return e, t
""",
    "a name that is bound before": """
e = 5.0
for t in range(n):
    e = ~NormalMeanVariance(0.0, 1.0)
    y[t] = ~NormalMeanVariance(e, 1.0)
return e
""",
    "the same name drawn twice": """
for t in range(n):
    e = ~NormalMeanVariance(0.0, 1.0)
    d = ~NormalMeanVariance(e, 1.0)
    e = ~NormalMeanVariance(d, 2.0)
    y[t] = ~NormalMeanVariance(e, 1.0)
return e
""",
    "constants from an array": """
x = randomvar(n)
for t in range(n):
    x[t] = ~NormalMeanVariance(c[t], table[t, 1])
return x
""",
    "constants from a list": """
x = randomvar(n)
for t in range(n):
    x[t] = ~NormalMeanVariance(rows[t], 1.0)
return x
""",
    "constants that are all equal": """
x = randomvar(n)
v = np.ones(n)
for t in range(n):
    x[t] = ~NormalMeanVariance(v[t], v[0])
return x
""",
    "whole numbers as constants": """
x = randomvar(n)
for t in range(1, n):
    x[t] = ~NormalMeanVariance(t, g[t] + 1 if flag and t < 0 else 2)
return x
""",
    "vectors from an array": """
x = randomvar(n)
for t in range(n):
    x[t] = ~Dirichlet(table[t])
return x
""",
    "groups": """
m = randomvar(3)
for j in range(3):
    m[j] = ~NormalMeanVariance(0.0, 10.0)
for t in range(n):
    y[t] = ~NormalMeanVariance(m[g[t]], 1.0)
return m
""",
    "keywords": """
x = randomvar(n)
x[0] = ~Normal(mean=0.0, variance=1.0)
for t in range(1, n):
    x[t] = ~Normal(precision=2.0, mean=x[t - 1])
return x
""",
    "where": """
x = randomvar(n)
tau = ~Gamma(shape=1.0, rate=1.0)
mf = MeanField()
for t in range(n):
    x[t] = ~NormalMeanVariance(0.0, 1.0)
    y[t] = ~NormalMeanPrecision(x[t], tau).where(q=q(x[t]) * q(tau), meta=words)
for t in range(n):
    y[t] = ~NormalMeanPrecision(x[t], tau).where(q=MeanField())
for t in range(n):
    y[t] = ~NormalMeanPrecision(x[t], tau).where(q=mf)
return x
""",
    "arithmetic": """
x = randomvar(n)
a = ~NormalMeanVariance(0.0, 1.0)
for t in range(1, n):
    x[t] = ~NormalMeanVariance(2.0 * x[t - 1] + a - c[t] * x[0] + 1.0, 1.0)
    y[t] = ~NormalMeanVariance(x[t] * 2.0 - (-x[t - 1]) + x[t] / 4.0, 1.0)
return x
""",
    "a deterministic factor": """
x = randomvar(n)
z = randomvar(n)
for t in range(1, n):
    z[t] = ~(x[t] + x[t - 1])
    w = ~(x[t] - 1.0)
    v = 3.0 * w
    y[t] = ~NormalMeanVariance(v, 1.0)
return x, w, v
""",
    "an inner product": """
b = ~MvNormalMeanCovariance(np.zeros(3), np.eye(3))
for t in range(n):
    y[t] = ~NormalMeanVariance(np.dot(b, table[t]), 1.0)
return b
""",
    "a matrix": """
A = np.eye(3)
x = randomvar(n)
for t in range(1, n):
    x[t] = ~MvNormalMeanCovariance(A @ x[t - 1], A)
return x
""",
    "expressions over data": """
x = randomvar(n)
for t in range(1, n):
    x[t] = ~NormalMeanVariance(2.0 * y[t] + y[t - 1], 1.0)
z = 2.0 * y
for t in range(n):
    x[t] = ~NormalMeanVariance(z[t], 1.0)
return x
""",
    "enumerate and zip": """
x = randomvar(n)
for t, v in enumerate(y):
    x[t] = ~NormalMeanVariance(v, 1.0)
for t, (a, b) in enumerate(zip(c, x), 1):
    x[t % n] = ~NormalMeanVariance(b, a)
for a, b in zip(x, rows, strict=True):
    d = ~NormalMeanVariance(a, b)
for t, v in enumerate(y, start=0):
    x[t] = ~NormalMeanVariance(v, 1.0)
for v in x:
    e = ~NormalMeanVariance(v, 1.0)
return t, a, b, v, d, e
""",
    "a constant made by hand": """
x = randomvar(n)
v = constvar(2.0)
w = constvar(c)
for t in range(n):
    x[t] = ~NormalMeanVariance(w[t], v)
return x
""",
    "nested loops": """
x = randomvar(n, 3)
for i in range(n):
    for j in range(3):
        x[i, j] = ~NormalMeanVariance(table[i, j], 1.0)
    y[i] = ~NormalMeanVariance(x[i, 0], 1.0)
return x, i, j
""",
    "nested loops the other way": """
x = randomvar(n, 3)
for j in range(3):
    m = ~NormalMeanVariance(0.0, 1.0)
    for i in range(n):
        x[i][j] = ~NormalMeanVariance(m, 1.0)
        e = ~NormalMeanVariance(x[i, j], c[i])
return m, e
""",
    "three loops": """
x = randomvar(4, 5, 3)
for i in range(4):
    for j in range(5):
        for k in range(3):
            x[i, j, k] = ~NormalMeanVariance(0.0, 1.0)
            d = ~NormalMeanVariance(x[i, j, k], table[j, k])
        e = ~NormalMeanVariance(x[i, j, 0], 1.0)
return e, d, k
""",
    "rows of references": """
x = randomvar(n, 3)
for i in range(n):
    r = x[i]
    for j in range(len(r)):
        r[j] = ~NormalMeanVariance(0.0, 1.0)
for r in x:
    for e in r:
        d = ~NormalMeanVariance(e, 1.0)
return d
""",
    "a first turn of its own": """
x = randomvar(n)
for t in range(n):
    if t == 0:
        x[0] = ~NormalMeanVariance(0.0, 100.0)
    else:
        x[t] = ~NormalMeanVariance(x[t - 1], 1.0)
    y[t] = ~NormalMeanVariance(x[t], 1.0)
return x
""",
    "three pieces": """
x = randomvar(n)
for t in range(n):
    if t < 5:
        v = ~NormalMeanVariance(0.0, 1.0)
    elif not t >= n - 5:
        v = ~NormalMeanVariance(0.0, 2.0)
    else:
        w = ~NormalMeanVariance(0.0, 3.0)
    y[t] = ~NormalMeanVariance(x[t] if 3 <= t != 7 else x[0], 1.0)
return v, w
""",
    "pieces of an inner loop": """
x = randomvar(n, 5)
for i in range(n):
    for j in range(5):
        if j == 0:
            x[i, 0] = ~NormalMeanVariance(0.0, 100.0)
        else:
            x[i, j] = ~NormalMeanVariance(x[i, j - 1], 1.0)
return x
""",
    "pieces of an outer loop, cut inside": """
x = randomvar(n, 5)
for i in range(n):
    for j in range(5):
        if i == 0:
            x[0, j] = ~NormalMeanVariance(0.0, 100.0)
        else:
            x[i, j] = ~NormalMeanVariance(x[i - 1, j], 1.0)
return x
""",
    "constants that decide": """
x = randomvar(n)
for t in range(n):
    if flag and k == 3 and words is not None:
        x[t] = ~NormalMeanVariance(0.0, 1.0)
    else:
        x[t] = ~NormalMeanVariance(0.0, 2.0)
return x
""",
    "a mixture": """
z = randomvar(n)
m = randomvar(2)
p = np.array([0.5, 0.5])
for t in range(n):
    z[t] = ~Categorical(p)
    y[t] = ~NormalMixture(z[t], (m[0], m[1]), (1.0, 2.0))
return z
""",
    "an inner loop alone": """
x = randomvar(n, n)
for i in range(3):
    note(i)
    for j in range(n):
        x[i, j] = ~NormalMeanVariance(2.0 * x[i, 0], 1.0)
return x
""",
    "attributes": """
x = randomvar(n)
for t in range(x.shape[0]):
    x[t] = ~NormalMeanVariance(np.pi, table.shape[1])
return x
""",
    "numbers computed outside the index": """
x = randomvar(n)
for t in range(n):
    x[t + k - 3] = ~NormalMeanVariance(2.0 * 3.0 + c[0], -k + 4)
return x
""",
}


@pytest.mark.parametrize("name", LIFTED)
def test_lifted(name):
    found = run(LIFTED[name])
    assert not found.error
    assert found.lifted and not found.bailed


BAILS = {
    "a break": "    x[t] = ~NormalMeanVariance(0.0, 1.0)\n    if t == 7:\n        break",
    "a continue": "    if t == 7:\n        continue\n    x[t] = ~NormalMeanVariance(0.0, 1.0)",
    "a return": "    x[t] = ~NormalMeanVariance(0.0, 1.0)\n    if t == 7:\n        return t",
    "an else": "    x[t] = ~NormalMeanVariance(0.0, 1.0)\nelse:\n    note(1)",
    "a running sum": "    s = s + 1.0\n    x[t] = ~NormalMeanVariance(s, 1.0)",
    "an augmented assignment": "    s += 1.0\n    x[t] = ~NormalMeanVariance(s, 1.0)",
    "the previous turn's variable": "    x[t] = ~NormalMeanVariance(p, 1.0)\n    p = ~NormalMeanVariance(x[t], 1.0)",
    "a variable that becomes its successor": "    p = ~NormalMeanVariance(p, 1.0)",
    "a value of the previous turn in a branch": "    if t > 3:\n        s = t\n    x[t] = ~NormalMeanVariance(s, 1.0)",
    "a comprehension": "    x[t] = ~NormalMeanVariance(sum([c[i] for i in range(t + 1)]), 1.0)",
    "a generator": "    x[t] = ~NormalMeanVariance(sum(c[i] for i in range(t + 1)), 1.0)",
    "a walrus": "    x[(s := t)] = ~NormalMeanVariance(s, 1.0)",
    "a print": "    note(t)\n    x[t] = ~NormalMeanVariance(0.0, 1.0)",
    "a call in an argument": "    x[t] = ~NormalMeanVariance(float(t), 1.0)",
    "a call that counts": "    x[t] = ~NormalMeanVariance(note(t) or 0.0, 1.0)",
    "a call with side effects": "    x[t] = ~NormalMeanVariance(shout(1.0), 1.0)",
    "a function of variables": "    x[t] = ~np.tanh(x[t - 1])",
    "float arithmetic on the index": "    x[t] = ~NormalMeanVariance(0.5 * t, 1.0)",
    "division of the index": "    x[t] = ~NormalMeanVariance(t / 2, 1.0)",
    "a power of the index": "    x[t] = ~NormalMeanVariance(t**2, 1.0)",
    "arithmetic on constants": "    x[t] = ~NormalMeanVariance(c[t] * 2.0, 1.0)",
    "arithmetic on groups": "    x[g[t] - 1] = ~NormalMeanVariance(0.0, 1.0)",
    "a mask": "    if mask[t]:\n        x[t] = ~NormalMeanVariance(0.0, 1.0)",
    "a threshold on constants": "    if c[t] > 1.5:\n        x[t] = ~NormalMeanVariance(0.0, 1.0)",
    "even turns": "    if t % 2 == 0:\n        x[t] = ~NormalMeanVariance(0.0, 1.0)",
    "a diagonal": (
        "    for j in range(n):\n        if t == j:\n            x[t] = ~NormalMeanVariance(0.0, 1.0)\n"
        "        d = ~NormalMeanVariance(0.0, 1.0)"
    ),
    "a triangle": "    for j in range(t):\n        d = ~NormalMeanVariance(0.0, 1.0)",
    "a target that repeats": "    x[0] = ~NormalMeanVariance(c[t], 1.0)",
    "a target that comes back": "    x[t // 2] = ~NormalMeanVariance(c[t], 1.0)",
    "a target that does not span": "    for j in range(3):\n        x[t] = ~NormalMeanVariance(table[t, j], 1.0)",
    "a variable declared before": "    h = ~NormalMeanVariance(c[t], 1.0)",
    "pieces within a grid": (
        "    for j in range(3):\n        if j == 0:\n            d = ~NormalMeanVariance(0.0, 1.0)\n"
        "        e = ~NormalMeanVariance(0.0, 1.0)"
    ),
    "a while": "    j = 0\n    while j < 1:\n        j = j + 1\n    x[t] = ~NormalMeanVariance(0.0, 1.0)",
    "a try": "    try:\n        x[t] = ~NormalMeanVariance(0.0, 1.0)\n    finally:\n        pass",
    "a with": "    with np.errstate():\n        x[t] = ~NormalMeanVariance(0.0, 1.0)",
    "a delete": "    s = t\n    del s\n    x[t] = ~NormalMeanVariance(0.0, 1.0)",
    "a nested function": "    def g():\n        return 1.0\n    x[t] = ~NormalMeanVariance(0.0, g())",
    "a lambda": "    r = lambda: t\n    x[t] = ~NormalMeanVariance(0.0, 1.0)",
    "a format": "    s = f'{t}'\n    x[t] = ~NormalMeanVariance(0.0, 1.0)",
    "a star": "    x[t] = ~NormalMeanVariance(*pair)",
    "two stars": "    x[t] = ~NormalMeanVariance(**{'mean': 0.0, 'variance': 1.0})",
    "a dictionary": "    x[t] = ~NormalMeanVariance(book[t % 2], 1.0)",
    "a list of mixed numbers": "    x[t] = ~NormalMeanVariance(mixed[t], 1.0)",
    "a list of variables": "    x[t] = ~NormalMeanVariance(many[t], 1.0)",
    "a list of targets": "    many[t] = ~NormalMeanVariance(0.0, 1.0)",
    "an element assigned": "    box[t] = t\n    x[t] = ~NormalMeanVariance(0.0, 1.0)",
    "an attribute assigned": "    thing.last = t\n    x[t] = ~NormalMeanVariance(0.0, 1.0)",
    "a property": "    x[t] = ~NormalMeanVariance(thing.value, 1.0)",
    "an index with side effects": "    x[t] = ~NormalMeanVariance(thing[t], 1.0)",
    "an operator with side effects": "    x[t] = ~NormalMeanVariance(thing + 1.0, 1.0)",
    "a number with side effects": "    x[t] = ~NormalMeanVariance(thing, 1.0)",
    "a truth with side effects": "    if thing:\n        x[t] = ~NormalMeanVariance(0.0, 1.0)",
    "a node reference": "    node, x[t] = ~NormalMeanVariance(0.0, 1.0)",
    "a walrus node": "    x[t] = ~(node := NormalMeanVariance(0.0, 1.0))",
    "a prior object": "    x[t] = ~prior",
    "a nested draw": "    x[t] = ~NormalMeanVariance(~NormalMeanVariance(0.0, 1.0), 1.0)",
    "a nested prior": "    x[t] = ~NormalMeanVariance(NormalMeanVariance(0.0, 1.0), 1.0)",
    "an ordinary inversion": "    s = ~t\n    x[t] = ~NormalMeanVariance(s, 1.0)",
    "a slice of elements": "    x[t : t + 1] = ~NormalMeanVariance(0.0, 1.0)",
    "a window": "    x[t] = ~Dirichlet(c[t : t + 2])",
    "a changing option": "    x[t] = ~NormalMeanVariance(0.0, 1.0).where(meta=(t,))",
    "a made option": "    x[t] = ~NormalMeanVariance(0.0, 1.0).where(meta=dict())",
    "a shadowed len": "    len = shout\n    x[t] = ~NormalMeanVariance(len(1.0), 1.0)",
    "arrays of objects": "    x[t] = ~NormalMeanVariance(objects[t], 1.0)",
    "single precision": "    x[t] = ~NormalMeanVariance(single[t], 1.0)",
    "whole vectors of whole numbers": "    x[t] = ~Dirichlet(whole[t])",
    "a boolean index": "    x[t + flag] = ~NormalMeanVariance(0.0, 1.0)",
    "rows of many variables": "    X[t] = ~NormalMeanVariance(0.0, 1.0)",
    "kinds that change": "    x[t] = ~NormalMeanVariance(x[t - 1] if c[t] > 1.5 else 0.0, 1.0)",
}
BEFORE = """
x = randomvar(n + 1)
X = randomvar(n, 2)
h = randomvar()
p = randomvar()
s = 1.0
pair = (0.0, 1.0)
book = {0: 1.0, 1: 2.0}
mixed = [1, 2.0] * n
box = [None] * n
many = list(randomvar(n))
mask = c > 1.5
prior = NormalMeanVariance(0.0, 1.0)
objects = np.array(rows, dtype=object)
single = c.astype(np.float32)
whole = np.ones((n, 3), dtype=int)
def shout(v):
    note(v)
    return v
for t in range(n):
"""


class Thing:
    """Counts how often anything is done to it."""

    def __init__(self):
        self.count = 0

    def tick(self):
        self.count += 1
        return float(self.count)

    value = property(tick)

    def __getitem__(self, key):
        return self.tick()

    def __add__(self, other):
        return self.tick()

    def __float__(self):
        return self.tick()

    def __array__(self, dtype=None, copy=None):
        return np.array(self.tick())

    def __bool__(self):
        return self.tick() > 3.0

    def __repr__(self):
        return f"<{self.count}>"


@pytest.mark.parametrize("name", BAILS)
def test_not_lifted(name):
    body = BEFORE.lstrip("\n") + BAILS[name] + "\nreturn x, t, s, thing"
    left = outcome(text_of(body), DATA, lift=True, **ARGUMENTS, thing=Thing())
    right = outcome(text_of(body), DATA, lift=False, **ARGUMENTS, thing=Thing())
    assert left.error == right.error and left.printed == right.printed and left.returned == right.returned
    if not left.error:
        assert_identical(left.graph, right.graph)
    inner = name in ("a target that does not span", "pieces within a grid", "a diagonal", "a triangle")
    assert inner or not left.lifted


ERRORS = {
    "outside the array": "x = randomvar(5)\nfor t in range(n):\n    x[t] = ~NormalMeanVariance(0.0, 1.0)",
    "a negative variance": "for t in range(n):\n    y[t] = ~NormalMeanVariance(0.0, -1.0)",
    "one negative variance": (
        "v = c.copy()\nv[9] = -1.0\nx = randomvar(n)\nfor t in range(n):\n    x[t] = ~NormalMeanVariance(0.0, v[t])"
    ),
    "a forgotten tilde": "m = NormalMeanVariance(0.0, 1.0)\nfor t in range(n):\n    y[t] = ~NormalMeanVariance(m, 1.0)",
    "an unknown name": "for t in range(n):\n    y[t] = ~NormalMeanVariance(nowhere, 1.0)",
    "a vector for a number": "for t in range(n):\n    y[t] = ~NormalMeanVariance(table[t], 1.0)",
    "an unknown keyword": "for t in range(n):\n    y[t] = ~NormalMeanVariance(mean=0.0, sigma=1.0)",
    "an unknown edge": "for t in range(n):\n    y[t] = ~NormalMeanVariance(0.0, 1.0).where(q=q(nobody))",
    "division by zero": "for t in range(n):\n    y[t] = ~NormalMeanVariance(k // (t - 5), 1.0)",
    "branching on data": "for t in range(n):\n    if y[t] > 0:\n        y[t] = ~NormalMeanVariance(0.0, 1.0)",
    "a constant target": "for t in range(n):\n    c[t] = ~NormalMeanVariance(0.0, 1.0)",
    "no iterator": "for t in enumerate(k):\n    y[t] = ~NormalMeanVariance(0.0, 1.0)",
    "unequal lengths": "for a, b in zip(y, c[1:], strict=True):\n    e = ~NormalMeanVariance(a, b)",
    "too many targets": "for a, b, d in zip(y, c):\n    e = ~NormalMeanVariance(a, b)",
    "no number": "for t in range(n):\n    y[t] = ~NormalMeanVariance('a', 1.0)",
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_read_the_same(name):
    found = run(ERRORS[name])
    assert found.error and (not found.lifted or name == "one negative variance")


def test_tracebacks_point_at_the_statement():
    @model
    def f(y):
        x = randomvar(len(y))
        for t in range(1, len(y)):
            x[t] = ~NormalMeanVariance(x[t - 1], 1.0)
            y[t] = ~NormalMeanVariance(x[t + 1], 1.0)

    with pytest.raises(ModelError) as caught:
        f().build({"y": np.zeros(50)})
    lines = [entry.lineno for entry in caught.traceback if entry.name == "f"]
    assert lines and lines[-1] + 1 == f.function.__code__.co_firstlineno + 5
    assert r"y[t] = ~NormalMeanVariance(x[t + 1], 1.0)" in str(caught.value)


def test_a_loop_is_lifted_from_32_turns_on():
    text = text_of("for t in range(n):\n    e = ~NormalMeanVariance(0.0, 1.0)")
    for n, lifted in ((31, 0), (32, 1)):
        found = outcome(text, {"y": [0.0]}, lift=True, shortest=32, **{**ARGUMENTS, "n": n})
        assert (found.lifted, found.bailed) == (lifted, 0)


def test_a_loop_that_failed_twice_is_not_tried_again():
    body = """
x = randomvar(n, n)
for i in range(5):
    note(i)
    for j in range(n):
        x[i, j] = ~NormalMeanVariance(c[j] * 2.0, 1.0)
"""
    found = run(body)
    assert (found.lifted, found.bailed) == (0, 2)


def test_families_are_shared_between_lifted_turns_and_others():
    body = """
x = randomvar(n)
def rows(a, b):
    for t in range(a, b):
        x[t] = ~NormalMeanVariance(2.0 * x[t - 1] + c[t], c[t])
        e = ~NormalMeanVariance(y[t] + 1.0, 1.0)
        y[t] = ~NormalMeanVariance(e, t)
rows(1, 2)
rows(2, 9)
rows(9, 10)
rows(10, n)
return x
"""
    found = run(body)
    assert found.lifted == 2 and len(found.graph.families) == 5


def test_an_undone_attempt_leaves_nothing_behind():
    body = """
x = randomvar(n)
def rows(a, b, v):
    for t in range(a, b):
        x[t] = ~NormalMeanVariance(2.0 * x[t - 1] + c[t], c[t])
        e = ~NormalMeanVariance(y[t] + 1.0, 1.0)
        d = ~NormalMeanVariance(e, v[t])
rows(1, 6, mixed)
rows(6, 12, rows_)
rows(12, n, mixed)
return x
""".replace("rows_", "numbers")
    body = "mixed = [1, 2.0] * n\nnumbers = [float(i) for i in range(n)]\n" + body.lstrip("\n")
    found = run(body)
    assert (found.lifted, found.bailed) == (1, 2)


def test_lifting_can_be_switched_off():
    @model(lift=False)
    def f(n):
        for _ in range(n):
            x = ~NormalMeanVariance(0.0, 1.0)
        return x

    graph, x = f(40)
    assert f.loops == [] and graph.families[0].rows == 40 and repr(x) == "x[39]" and graph.options == {}
