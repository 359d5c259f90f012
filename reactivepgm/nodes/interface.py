"""One edge of a factor: its name, its other names, and what may sit on it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Interface:
    """An edge of a factor, as rules and models name it.

    Args:
        name: the canonical name, as in ``m_<name>`` and ``q_<name>``.
        aliases: further names that a model may use.
        event_rank: axes of one value: 0 scalar, 1 vector, 2 matrix; None when it depends on the arguments.
        plural: whether several variables sit on this edge, as the components of a mixture do.
        support: the set that a constant or a datum on this edge must lie in; None for no restriction.

    Example:
        >>> Interface("variance", aliases=("var", "v"), event_rank=0, support="nonnegative").answers_to("v")
        True
    """

    name: str
    aliases: tuple[str, ...] = ()
    event_rank: int | None = None
    plural: bool = False
    support: str | None = None

    def answers_to(self, name: str) -> bool:
        """Whether ``name`` is this interface's name, an alias of it, or its keyword form such as ``in_``."""
        return name == self.name or name in self.aliases or name == self.keyword

    @property
    def keyword(self) -> str:
        """The name as a Python keyword argument: ``in`` is a reserved word and becomes ``in_``."""
        return "in_" if self.name == "in" else self.name
