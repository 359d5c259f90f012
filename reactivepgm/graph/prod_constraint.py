"""Which products of messages a variable admits: ``randomvar(prod_constraint=...)``."""

from __future__ import annotations


class ProdConstraint:
    """How the messages that meet at a variable may multiply."""

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class ProdGeneric(ProdConstraint):
    """In closed form where the families have one, else as densities, of which a form makes a belief (the default).

    Example:
        >>> ProdGeneric()
        ProdGeneric()
    """


class ProdAnalytical(ProdConstraint):
    """In closed form only: what has none is an error, also where a form could make a belief of it.

    Example:
        >>> ProdAnalytical()
        ProdAnalytical()
    """
