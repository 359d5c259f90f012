"""How a factor's q falls apart: MeanField(), FullFactorisation(), BetheFactorisation(), or a product of q(...) terms."""

from __future__ import annotations

from typing import Any


class Factorisation:
    """A factorisation of q; equal when it says the same."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class MeanField(Factorisation):
    """Every variable apart: q(x, y, z) = q(x) q(y) q(z).

    Example:
        >>> MeanField()
        MeanField()
    """

    __slots__ = ()


class FullFactorisation(Factorisation):
    """All random variables of the factor in one joint cluster (the default).

    Example:
        >>> FullFactorisation() == FullFactorisation()
        True
    """

    __slots__ = ()


class BetheFactorisation(FullFactorisation):
    """No cut anywhere: the Bethe approximation, exact on trees. As a statement's ``q`` it equals FullFactorisation.

    Example:
        >>> BetheFactorisation()
        BetheFactorisation()
    """

    __slots__ = ()


class QProduct(Factorisation):
    """A product of ``q(...)`` terms; each term is the tuple of the edges, variables or references in it."""

    __slots__ = ("terms",)

    def __init__(self, terms: tuple[tuple[Any, ...], ...]) -> None:
        self.terms = terms

    def __mul__(self, other: object) -> QProduct:
        if not isinstance(other, QProduct):
            return NotImplemented
        return QProduct(self.terms + other.terms)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, QProduct) and self.terms == other.terms

    def __hash__(self) -> int:
        return hash(self.terms)

    def __repr__(self) -> str:
        return " ".join(f"q({', '.join(map(str, term))})" for term in self.terms)


def q(*names: Any) -> QProduct:
    """One term of a factorisation: the edges, named by interface, alias or variable, that stay together.

    Example:
        >>> q("mean", "variance") * q("out")
        q(mean, variance) q(out)
    """
    return QProduct((names,))
