"""A cursor over a constraint's text; every complaint carries its position."""

from __future__ import annotations

import re
from typing import NoReturn

from reactivepgm.errors import ConstraintSyntaxError

_SYMBOLS = frozenset({"σ²", "σ2"})
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d{1,15}(?![\d.eE])", re.ASCII)
_CURES = "q(a, b) q(c)  for a factor; for the model  q(x, y) = q(x) q(y),  q(x) = prod q(x[i]),  q(x) :: PointMass"


class Reader:
    """Reads names, numbers and signs from left to right, passing blanks.

    Example:
        >>> reader = Reader("q(x[t - 1], y) ")
        >>> reader.term(), reader.is_done
        (('x[t - 1]', 'y'), True)
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self._pass_blanks()

    @property
    def is_done(self) -> bool:
        """Whether nothing is left."""
        return self.position >= len(self.text)

    @property
    def next(self) -> str:
        """The next character, empty at the end."""
        return self.text[self.position : self.position + 1]

    def fail(self, complaint: str, position: int | None = None) -> NoReturn:
        """Complain about a position, by default the present one.

        Raises:
            ConstraintSyntaxError: always.
        """
        at = self.position if position is None else position
        shown = "".join(" " if character.isspace() else character for character in self.text)
        raise ConstraintSyntaxError(
            f"cannot read the constraint at position {at}: {complaint}\n  {shown}\n  {' ' * at}^\n  write  {_CURES}", at
        )

    def skip(self, sign: str) -> bool:
        """Pass a sign if it is next."""
        if not self.text.startswith(sign, self.position):
            return False
        self.position += len(sign)
        self._pass_blanks()
        return True

    def skip_word(self, word: str) -> bool:
        """Pass a word if it is next and whole."""
        end = self.position + len(word)
        if not self.text.startswith(word, self.position) or _continues(self.text[end : end + 1]):
            return False
        return self.skip(word)

    def expect(self, sign: str) -> None:
        """Pass a sign that must be next."""
        if not self.skip(sign):
            self.fail(f"expected {sign!r}, found {self.found}")

    @property
    def found(self) -> str:
        """What is next, as complaints print it."""
        return "the end" if self.is_done else repr(self.next)

    def finish(self) -> None:
        """Complain about anything left."""
        if not self.is_done:
            self.fail(f"expected the end, found {self.found}")

    def name(self) -> str:
        """A name, of several parts with dots between them."""
        start = self.position
        while not self.is_done and (_continues(self.next) or self.next == "."):
            self.position += 1
        name = self.text[start : self.position]
        if not name or not all(part.isidentifier() or part in _SYMBOLS for part in name.split(".")):
            self.fail("expected a name", start)
        self._pass_blanks()
        return name

    def integer(self) -> int | None:
        """A whole number if one is next."""
        match = _INTEGER.match(self.text, self.position)
        if match is None:
            return None
        self.skip(match.group())
        return int(match.group())

    def number(self) -> int | float | None:
        """A number if one is next."""
        whole = self.integer()
        if whole is not None:
            return whole
        match = _NUMBER.match(self.text, self.position)
        if match is None:
            return None
        self.skip(match.group())
        return float(match.group())

    def term(self) -> tuple[str, ...]:
        """``q(a, b)``: names, each with an index as it stands in the text."""
        self.expect("q")
        self.expect("(")
        names = [self._indexed_name()]
        while self.skip(","):
            names.append(self._indexed_name())
        self.expect(")")
        return tuple(names)

    def _indexed_name(self) -> str:
        start = self.position
        self.name()
        if self.next != "[":
            return self.text[start : self.position].rstrip()
        opened, depth = self.position, 0
        while not self.is_done:
            depth += (self.next == "[") - (self.next == "]")
            self.position += 1
            if depth == 0:
                break
        if depth:
            self.fail("this bracket is never closed", opened)
        name = self.text[start : self.position]
        self._pass_blanks()
        return name

    def _pass_blanks(self) -> None:
        while self.position < len(self.text) and self.text[self.position].isspace():
            self.position += 1


def _continues(character: str) -> bool:
    """Whether a character may stand inside a name."""
    return bool(character) and (f"a{character}".isidentifier() or character == "²")
