"""AND, OR, NOT and IMPLY: messages and joints of truth values.

Factor        f = 1 where out = t(in1, in2), else 0;  t is the factor's truth table
Sum-product   ν(out = 1) = sum of m_in1(i) m_in2(j) over t(i, j) = 1
              ν(in1 = i) ∝ sum_j m_in2(j) m_out(t(i, j)), and the same for in2
Joint         q(in1 = i, in2 = j) ∝ m_in1(i) m_in2(j) m_out(t(i, j)); out follows from them   Kschischang et al. 2001, eq. 6
"""

from reactivepgm.distributions import Bernoulli, Categorical, Contingency, Factorized, PointMass
from reactivepgm.numerics.array import Array, namespace
from reactivepgm.numerics.elementary import divide
from reactivepgm.rulebook import marginal_rule, rule

Truth = Bernoulli | Categorical | PointMass
Belief = Bernoulli | Categorical
Table = tuple[tuple[int, int], tuple[int, int]]

TABLES: dict[str, Table] = {
    "AND": ((0, 0), (0, 1)),
    "OR": ((0, 1), (1, 1)),
    "IMPLY": ((1, 1), (0, 1)),
}


def odds(belief: Truth) -> tuple[Array, Array]:
    """The probabilities of 0 and of 1.

    Example:
        >>> odds(Bernoulli(0.25)), odds(PointMass(1.0))
        ((0.75, 0.25), (0.0, 1.0))
    """
    if isinstance(belief, Categorical):
        return belief.p[..., 0], belief.p[..., 1]
    p = belief.p if isinstance(belief, Bernoulli) else belief.value
    return 1.0 - p, p


def _normalised(no: Array, yes: Array) -> Bernoulli:
    return Bernoulli._of(divide(yes, no + yes))


def forward(table: Table, in1: Truth, in2: Truth) -> Bernoulli:
    """The probability that the table says 1.

    Example:
        >>> forward(TABLES["AND"], Bernoulli(0.5), Bernoulli(0.5))
        Bernoulli(p=0.25)
    """
    first, second = odds(in1), odds(in2)
    total: Array = 0.0
    for i in (0, 1):
        for j in (0, 1):
            if table[i][j]:
                total = total + first[i] * second[j]
    return Bernoulli._of(total)


def backward(table: Table, out: Truth, other: Truth) -> Bernoulli:
    """What the output and the second input say about the first.

    Example:
        >>> backward(TABLES["AND"], PointMass(1.0), Bernoulli(0.5))
        Bernoulli(p=1.0)
    """
    after, second = odds(out), odds(other)
    no, yes = (second[0] * after[table[i][0]] + second[1] * after[table[i][1]] for i in (0, 1))
    return _normalised(no, yes)


def swapped(table: Table) -> Table:
    """The table with its inputs exchanged.

    Example:
        >>> swapped(((1, 1), (0, 1)))
        ((1, 0), (1, 1))
    """
    return (table[0][0], table[1][0]), (table[0][1], table[1][1])


def joint(table: Table, out: Truth, in1: Truth, in2: Truth) -> Contingency:
    """The joint table of both inputs.

    Example:
        >>> half = Bernoulli(0.5)
        >>> joint(TABLES["OR"], half, half, half).p.tolist()
        [[0.25, 0.25], [0.25, 0.25]]
    """
    after, first, second = odds(out), odds(in1), odds(in2)
    cells = [first[i] * second[j] * after[table[i][j]] for i in (0, 1) for j in (0, 1)]
    xp = namespace(*cells)
    flat = xp.stack(xp.broadcast_arrays(*cells), axis=-1)
    return Contingency(divide(flat, flat.sum(-1)[..., None]).reshape(*flat.shape[:-1], 2, 2), event_rank=2)


def both(table: Table, out: Truth, in1: Truth, in2: Truth) -> Factorized:
    """The joint where an input is known, and it falls apart.

    Example:
        >>> both(TABLES["AND"], PointMass(0.0), PointMass(1.0), Bernoulli(0.5)).factors["in2"]
        Bernoulli(p=0.0)
    """
    first: Truth = in1
    second: Truth = in2
    if not isinstance(in1, PointMass):
        first = _updated(in1, backward(table, out, in2))
    if not isinstance(in2, PointMass):
        second = _updated(in2, backward(swapped(table), out, in1))
    return Factorized({"in1": first, "in2": second})


def _updated(belief: Truth, message: Bernoulli) -> Bernoulli:
    (a, b), (c, d) = odds(belief), odds(message)
    return _normalised(a * c, b * d)


@rule("AND", to="out")
def _(m_in1: Truth, m_in2: Truth) -> Bernoulli:
    """Both are true."""
    return forward(TABLES["AND"], m_in1, m_in2)


@rule("AND", to="in1")
def _(m_out: Truth, m_in2: Truth) -> Bernoulli:
    """The second input decides how much the output tells."""
    return backward(TABLES["AND"], m_out, m_in2)


@rule("AND", to="in2")
def _(m_out: Truth, m_in1: Truth) -> Bernoulli:
    """As toward in1: the table is symmetric."""
    return backward(TABLES["AND"], m_out, m_in1)


@marginal_rule("AND", "in1_in2")
def _(m_out: Truth, m_in1: Belief, m_in2: Belief) -> Contingency:
    """All four cells, weighed by the output's message."""
    return joint(TABLES["AND"], m_out, m_in1, m_in2)


@marginal_rule("AND", "in1_in2")
def _(m_out: Truth, m_in1: PointMass, m_in2: Truth) -> Factorized:
    """A known first input falls out."""
    return both(TABLES["AND"], m_out, m_in1, m_in2)


@marginal_rule("AND", "in1_in2")
def _(m_out: Truth, m_in1: Belief, m_in2: PointMass) -> Factorized:
    """A known second input falls out."""
    return both(TABLES["AND"], m_out, m_in1, m_in2)


@rule("OR", to="out")
def _(m_in1: Truth, m_in2: Truth) -> Bernoulli:
    """At least one is true."""
    return forward(TABLES["OR"], m_in1, m_in2)


@rule("OR", to="in1")
def _(m_out: Truth, m_in2: Truth) -> Bernoulli:
    """A true second input explains the output away."""
    return backward(TABLES["OR"], m_out, m_in2)


@rule("OR", to="in2")
def _(m_out: Truth, m_in1: Truth) -> Bernoulli:
    """As toward in1: the table is symmetric."""
    return backward(TABLES["OR"], m_out, m_in1)


@marginal_rule("OR", "in1_in2")
def _(m_out: Truth, m_in1: Belief, m_in2: Belief) -> Contingency:
    """All four cells, weighed by the output's message."""
    return joint(TABLES["OR"], m_out, m_in1, m_in2)


@marginal_rule("OR", "in1_in2")
def _(m_out: Truth, m_in1: PointMass, m_in2: Truth) -> Factorized:
    """A known first input falls out."""
    return both(TABLES["OR"], m_out, m_in1, m_in2)


@marginal_rule("OR", "in1_in2")
def _(m_out: Truth, m_in1: Belief, m_in2: PointMass) -> Factorized:
    """A known second input falls out."""
    return both(TABLES["OR"], m_out, m_in1, m_in2)


@rule("IMPLY", to="out")
def _(m_in1: Truth, m_in2: Truth) -> Bernoulli:
    """Not (in1 and not in2)."""
    return forward(TABLES["IMPLY"], m_in1, m_in2)


@rule("IMPLY", to="in1")
def _(m_out: Truth, m_in2: Truth) -> Bernoulli:
    """A false premise makes every implication true."""
    return backward(TABLES["IMPLY"], m_out, m_in2)


@rule("IMPLY", to="in2")
def _(m_out: Truth, m_in1: Truth) -> Bernoulli:
    """A true premise hands the output on."""
    return backward(swapped(TABLES["IMPLY"]), m_out, m_in1)


@marginal_rule("IMPLY", "in1_in2")
def _(m_out: Truth, m_in1: Belief, m_in2: Belief) -> Contingency:
    """All four cells, weighed by the output's message."""
    return joint(TABLES["IMPLY"], m_out, m_in1, m_in2)


@marginal_rule("IMPLY", "in1_in2")
def _(m_out: Truth, m_in1: PointMass, m_in2: Truth) -> Factorized:
    """A known premise falls out."""
    return both(TABLES["IMPLY"], m_out, m_in1, m_in2)


@marginal_rule("IMPLY", "in1_in2")
def _(m_out: Truth, m_in1: Belief, m_in2: PointMass) -> Factorized:
    """A known conclusion falls out."""
    return both(TABLES["IMPLY"], m_out, m_in1, m_in2)


@rule("NOT", to="out")
def _(m_in: Truth) -> Bernoulli:
    """The probabilities change places."""
    return Bernoulli._of(odds(m_in)[0])


@rule("NOT", to="in")
def _(m_out: Truth) -> Bernoulli:
    """The probabilities change places."""
    return Bernoulli._of(odds(m_out)[0])


@marginal_rule("NOT", "in")
def _(m_out: Truth, m_in: Truth) -> Bernoulli:
    """The message of the input times the negated message of the output."""
    (no, yes), (out_no, out_yes) = odds(m_in), odds(m_out)
    return _normalised(no * out_yes, yes * out_no)
