"""Constraints as text, in the literature's notation.

q(a, b) q(c)                                a factor's clusters
q(x, tau) = q(x) q(tau)                     a factorisation of the model; ``prod q(x[i])`` sets elements apart,
q(x) = q(x[0:5]) q(x[5:])                   ranges make blocks
q(theta) :: PointMass(bounds=(0, 1))        a form of marginals
mu(x) :: Normal                             a form of messages
in submodel: q(a, b) = q(a) q(b)            any of these, or MeanField(), inside a submodel
"""

from __future__ import annotations

from dataclasses import replace

from reactivepgm.graph.constraint_equation import Block, Equation, Member, Subscript
from reactivepgm.graph.constraint_reader import Reader
from reactivepgm.graph.constraint_scope import Within
from reactivepgm.graph.factorisation import BetheFactorisation, Factorisation, FullFactorisation, MeanField, QProduct
from reactivepgm.graph.form_constraint import FormConstraint
from reactivepgm.graph.form_text import read_form
from reactivepgm.graph.site import Site, caller_site

Constraint = Equation | FormConstraint | Factorisation | Within

_UNIFORM: dict[str, type[Factorisation]] = {
    kind.__name__: kind for kind in (MeanField, BetheFactorisation, FullFactorisation)
}


def parse_product(text: str) -> QProduct:
    """Read ``q(a, b) q(c)``; a product sign between the terms is optional.

    Raises:
        ConstraintSyntaxError: with the position of the first character that does not fit.

    Example:
        >>> parse_product("q(y_mean, v) * q(y)")
        q(y_mean, v) q(y)
    """
    reader = Reader(text)
    terms = [reader.term()]
    while not reader.is_done:
        reader.skip("*")
        terms.append(reader.term())
    return QProduct(tuple(terms))


def parse_constraint(text: str) -> Constraint:
    """Read any whole-model constraint.

    Raises:
        ConstraintSyntaxError: with the position of the first character that does not fit.

    Example:
        >>> [str(block) for block in parse_constraint("q(x, tau) = prod q(x[i]) q(tau)").blocks]
        ['prod q(x[i])', 'q(tau)']
        >>> parse_constraint("q(theta) :: SampleList(1000)").form
        SampleList(n=1000, seed=0)
        >>> parse_constraint("in step: MeanField()")
        Within('step', MeanField())
    """
    reader = Reader(text)
    site = caller_site()
    if not reader.skip_word("in"):
        return _constraint(reader, text, site)
    path = reader.name()
    reader.expect(":")
    return Within(path, _constraint(reader, text, site), text=text, site=site)


def parse_block(*members: str) -> Block:
    """Read one block of ``factorise``: ``x``, ``x[0:5]`` or ``prod x[i]``.

    Raises:
        ConstraintSyntaxError: with the position in the text that does not fit.

    Example:
        >>> str(parse_block("x[0:5]", "tau"))
        'q(x[0:5], tau)'
    """
    read: list[Member] = []
    is_product = False
    for position, text in enumerate(members):
        reader = Reader(text)
        if position == 0 and reader.skip_word("prod"):
            is_product = True
        read.append(_member(reader, is_product))
        reader.finish()
    read = [replace(member, position=None) for member in read]  # the text is no equation yet
    if not read:
        Reader("").fail("a block has one variable at least")
    return Block(tuple(read), is_product)


def _constraint(reader: Reader, text: str, site: Site) -> Equation | FormConstraint | Factorisation:
    for name, kind in _UNIFORM.items():
        if reader.skip_word(name):
            reader.expect("(")
            reader.expect(")")
            reader.finish()
            return kind()
    message = any(reader.skip_word(word) for word in ("mu", "μ"))
    if not message and not reader.skip_word("q"):
        reader.fail(f"expected q(...), mu(...), in ...: or MeanField(), found {reader.found}")
    reader.expect("(")
    left = [reader.name()]
    second = reader.position
    while reader.skip(","):
        left.append(reader.name())
    reader.expect(")")
    if message or (reader.next == ":"):
        if len(left) > 1:
            reader.fail("a form holds for one variable; write one constraint for each", second)
        reader.expect("::")
        form = read_form(reader)
        reader.finish()
        return FormConstraint(text, left[0], form, message, site)
    reader.expect("=")
    blocks = [_block(reader)]
    while not reader.is_done:
        reader.skip("*")
        blocks.append(_block(reader))
    return Equation(text, tuple(left), tuple(blocks), site)


def _block(reader: Reader) -> Block:
    start = reader.position
    is_product = reader.skip_word("prod") or reader.skip("∏")
    if not reader.skip_word("q"):
        reader.fail(f"expected q(...), found {reader.found}")
    reader.expect("(")
    members = [_member(reader, is_product)]
    while reader.skip(","):
        members.append(_member(reader, is_product))
    reader.expect(")")
    if is_product and not any(isinstance(i, str) for m in members for i in m.subscript or ()):
        reader.fail("after prod stands an indexed variable, as in prod q(x[i])", start)
    return Block(tuple(members), is_product)


def _member(reader: Reader, is_product: bool) -> Member:
    start = reader.position
    name = reader.name()
    opened = reader.position
    if not reader.skip("["):
        return Member(name, position=start)
    subscript: list[int | slice | str] = [_index(reader, is_product)]
    while reader.skip(","):
        subscript.append(_index(reader, is_product))
    if not reader.skip("]"):
        reader.fail("this bracket is never closed" if reader.is_done else f"expected ']', found {reader.found}", opened)
    chosen: Subscript = tuple(subscript)
    return Member(name, chosen, start)


def _index(reader: Reader, is_product: bool) -> int | slice | str:
    start = reader.position
    number = reader.integer()
    if number is None and reader.next.isidentifier():
        name = reader.name()
        if not is_product:
            reader.fail(f"{name} counts nothing here: write a number, a range, or prod q(x[{name}])", start)
        return name
    if reader.skip(":"):
        return slice(number, reader.integer())
    if number is None:
        reader.fail(f"expected a number, a range such as 0:5, or a loop variable, found {reader.found}", start)
    return number
