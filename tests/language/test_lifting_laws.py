"""Hundreds of generated loops, built lifted and turn by turn: the same graphs, or the same errors."""

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.language.same_graph import both

N, M = 12, 4
HEAD = """@model(lift=LIFT)
def f(y, w, c, g, table, n, m, k, flag):
    x = randomvar(n + 3)
    z = randomvar(n + 3, m + 9)
    b = ~NormalMeanVariance(0.0, 1.0)
    s = 1.0
"""
WIDE = (N + 3, M + 9)
DATA = {"y": np.linspace(-1.0, 1.0, N + 3), "w": np.linspace(0.0, 1.0, WIDE[0] * WIDE[1]).reshape(WIDE)}
ARGUMENTS = {
    "c": np.linspace(1.0, 2.0, N + 3),
    "g": np.arange(N + 3) // 3,
    "table": np.linspace(1.0, 2.0, WIDE[0] * WIDE[1]).reshape(WIDE),
    "n": N,
    "m": M,
}
COUNTS = {"lifted": 0, "bailed": 0, "errors": 0, "graphs": 0}


class Writer:
    """Writes one loop."""

    def __init__(self, draw):
        self.draw = draw
        self.drawn = []
        self.indices = []

    def pick(self, *options):
        return self.draw(st.sampled_from(options))

    def index(self, size):
        """An index, mostly inside an array of a size."""
        t = self.pick(*self.indices)
        return self.pick(t, t, t, f"{t} - 1", f"{size} - 1 - {t}", f"{t} // 2", f"{t} % 3", f"g[{t}]", f"{t} + 1", "0")

    def element(self):
        return self.pick(f"x[{self.index('n')}]", f"z[{self.index('n')}, {self.index('m')}]", *self.drawn, "b")

    def datum(self):
        return self.pick(f"y[{self.index('n')}]", f"w[{self.index('n')}, {self.index('m')}]")

    def argument(self):
        return self.pick(
            self.element(),
            self.element(),
            "0.0",
            "k",
            self.pick(*self.indices),
            f"c[{self.index('n')}]",
            f"table[{self.index('n')}, {self.index('m')}]",
            f"{self.pick('2.0', 'c[0]')} * {self.element()}",
            f"{self.element()} {self.pick('+', '-')} {self.element()}",
            self.datum(),
            f"2.0 * {self.datum()} + 1.0",
            f"{self.element()} if {self.test()} else 0.0",
        )

    def variance(self):
        return self.pick("1.0", "1.0", "1.0", f"c[{self.index('n')}]", "s", "0.5 * s")

    def factor(self):
        mean, variance = self.argument(), self.variance()
        return self.pick(
            f"NormalMeanVariance({mean}, {variance})",
            f"NormalMeanVariance({mean}, {variance})",
            f"Normal(variance={variance}, mean={mean})",
            f"NormalMeanVariance({mean}, {variance}).where(q=MeanField())",
            f"({self.element()} + {self.element()})",
        )

    def target(self):
        name = self.pick("d", "e")
        t, last = self.indices[0], self.indices[-1]
        return self.pick(name, f"x[{t}]", f"x[{t}]", f"y[{t}]", f"z[{t}, {last}]", f"w[{t}, {last}]", f"x[{self.index('n')}]")

    def test(self):
        t = self.pick(*self.indices)
        right = self.pick("0", "3", "k", "n - 2", self.pick(*self.indices))
        return self.pick(f"{t} {self.pick('==', '<', '>=', '!=')} {right}", "flag", f"0 < {t} <= 5", f"{t} % 5 == 0")

    def statement(self, pad, depth):
        kind = self.pick(*["draw"] * 8, *["if"] * 2, *["loop"] * (depth < 2), "plain", "odd")
        if kind == "draw":
            target = self.target()
            line = [f"{pad}{target} = ~{self.factor()}"]
            if target in ("d", "e") and target not in self.drawn and self.pick(True, True, False):
                self.drawn.append(target)
            return line
        if kind == "if":
            known = list(self.drawn)
            lines = [f"{pad}if {self.test()}:", *self.block(pad + "    ", depth)]
            if self.pick(True, False):
                self.drawn = list(known)
                lines += [f"{pad}else:", *self.block(pad + "    ", depth)]
            self.drawn = known
            return lines
        if kind == "loop":
            return self.loop(pad, depth)
        if kind == "plain":
            return [f"{pad}h = {self.pick(self.index('n'), '2.0 * ' + self.element(), self.element())}"]
        return [
            pad
            + self.pick(
                "s = s + 1.0", "if c[t] > 1.5: break", "note(t)", "s = len(y) + 0.0", "continue", "s = float(t)", "r = [t]"
            )
        ]

    def block(self, pad, depth):
        return [line for _ in range(self.pick(1, 1, 2, 3)) for line in self.statement(pad, depth)]

    def loop(self, pad, depth):
        name = "tij"[depth]
        known = list(self.drawn)
        if depth:
            head = self.pick(f"for {name} in range(m):", f"for {name} in range(1, m):", f"for {name} in range(m - 1, 0, -1):")
        else:
            head = self.pick(
                "for t in range(n):",
                "for t in range(1, n):",
                "for t in range(1, n, 2):",
                "for t in range(n - 1, -1, -1):",
                "for t, v in enumerate(y):",
                "for t, (v, u) in enumerate(zip(y, x)):",
                "for t, v in zip(range(n), c):",
            )
        self.indices.append(name)
        body = self.block(pad + "    ", depth + 1)
        if "v" in head.split(" in ")[0] and self.pick(True, False):
            body.append(f"{pad}    a = ~NormalMeanVariance(v, 1.0)")
        self.indices.pop()
        self.drawn = known
        return [pad + head, *body]


@st.composite
def texts(draw):
    writer = Writer(draw)
    lines = []
    for _ in range(writer.pick(1, 1, 2)):
        lines += writer.loop("    ", 0)
    names = "[(name, value) for name, value in sorted(locals().items()) if name[0] != '_' and name != 'note']"
    return HEAD + "\n".join(lines) + f"\n    return {names}\n"


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(texts(), st.integers(1, 3), st.booleans())
def test_generated_loops(text, k, flag):
    found = both(text, DATA, **ARGUMENTS, k=k, flag=flag)
    COUNTS["lifted"] += found.lifted
    COUNTS["bailed"] += found.bailed
    COUNTS["errors"] += bool(found.error)
    COUNTS["graphs"] += not found.error


def test_many_of_them_were_lifted():
    assert COUNTS["lifted"] > 50 and COUNTS["graphs"] > 150


def test_an_index_before_the_start_in_a_turn_that_is_lifted_by_itself():
    text = HEAD + (
        "    for t in range(n):\n"
        "        for i in range(m):\n"
        "            if t == 0:\n"
        "                d = ~(x[t] + z[t - 1, t])\n"
        "    return []\n"
    )
    assert both(text, DATA, **ARGUMENTS, k=1, flag=False).error
