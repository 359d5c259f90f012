"""Factorisations as text, in the literature's notation: ``q(a, b) q(c)`` and ``q(x, tau) = q(x) q(tau)``."""

from __future__ import annotations

from dataclasses import dataclass

from reactivepgm.errors import ConstraintSyntaxError
from reactivepgm.graph.factorisation import QProduct


@dataclass(frozen=True)
class Equation:
    """A whole-model constraint as it was written: the variables on the left, their blocks on the right.

    ``elementwise`` names the variables whose elements are all apart, as in ``q(x) = prod q(x[i])``.
    """

    text: str
    left: tuple[str, ...]
    blocks: tuple[tuple[str, ...], ...]
    elementwise: tuple[str, ...] = ()


def parse_product(text: str) -> QProduct:
    """Read ``q(a, b) q(c)``; a product sign between the terms is optional.

    Raises:
        ConstraintSyntaxError: with the position of the first character that does not fit.

    Example:
        >>> parse_product("q(y_mean, v) * q(y)")
        q(y_mean, v) q(y)
    """
    reader = _Reader(text)
    terms = [reader.term()]
    while not reader.is_done:
        reader.skip("*")
        terms.append(reader.term())
    return QProduct(tuple(terms))


def parse_equation(text: str) -> Equation:
    """Read ``q(x, tau) = q(x) q(tau)`` or ``q(x) = prod q(x[i])``.

    Raises:
        ConstraintSyntaxError: with the position of the first character that does not fit.

    Example:
        >>> parse_equation("q(x, tau) = q(x) q(tau)").blocks
        (('x',), ('tau',))
        >>> parse_equation("q(x) = prod q(x[i])").elementwise
        ('x',)
    """
    reader = _Reader(text)
    left = reader.term()
    reader.expect("=")
    blocks: list[tuple[str, ...]] = []
    elementwise: list[str] = []
    while not reader.is_done or not blocks:
        reader.skip("*") if blocks else None
        start = reader.position
        if reader.skip("prod"):
            term = reader.term()
            if len(term) != 1 or not term[0].endswith("]") or "[" not in term[0]:
                reader.fail("after `prod` stands one indexed variable, as in prod q(x[i])", start)
            name = term[0].partition("[")[0].strip()
            elementwise.append(name)
            blocks.append((name,))
        else:
            blocks.append(reader.term())
    return Equation(text, left, tuple(blocks), tuple(elementwise))


class _Reader:
    """A cursor over the text; every complaint carries its position."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self._pass_blanks()

    @property
    def is_done(self) -> bool:
        return self.position >= len(self.text)

    def fail(self, complaint: str, position: int | None = None) -> None:
        at = self.position if position is None else position
        raise ConstraintSyntaxError(
            f"cannot read the constraint at position {at}: {complaint}\n  {self.text}\n  {' ' * at}^\n"
            "  write  q(a, b) q(c)  for a factor, or  q(x, y) = q(x) q(y)  for the model",
            at,
        )

    def skip(self, word: str) -> bool:
        if not self.text.startswith(word, self.position):
            return False
        self.position += len(word)
        self._pass_blanks()
        return True

    def expect(self, word: str) -> None:
        if not self.skip(word):
            found = "the end" if self.is_done else repr(self.text[self.position])
            self.fail(f"expected {word!r}, found {found}")

    def term(self) -> tuple[str, ...]:
        self.expect("q")
        self.expect("(")
        names = [self._name()]
        while self.skip(","):
            names.append(self._name())
        self.expect(")")
        return tuple(names)

    def _name(self) -> str:
        start, depth = self.position, 0
        while not self.is_done:
            character = self.text[self.position]
            if (depth == 0 and character in ",()=*:") or (character.isspace() and depth == 0):
                break
            depth += (character == "[") - (character == "]")
            if depth < 0:
                self.fail("this bracket closes nothing")
            self.position += 1
        name = self.text[start : self.position]
        if depth > 0:
            self.fail("this bracket is never closed", start + name.index("["))
        if not name.partition("[")[0].isidentifier() and name.partition("[")[0] not in _SYMBOLS:
            self.fail("expected a name", start)
        self._pass_blanks()
        return name

    def _pass_blanks(self) -> None:
        while self.position < len(self.text) and self.text[self.position].isspace():
            self.position += 1


_SYMBOLS = frozenset({"σ²", "σ2"})
