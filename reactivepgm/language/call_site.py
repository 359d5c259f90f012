"""What is known about a statement before the model runs: its line, its text, the names in it."""

from __future__ import annotations

from dataclasses import dataclass, field

from reactivepgm.graph import Site


@dataclass(frozen=True)
class CallSite:
    """One ``~`` statement, or one nested call in it.

    Args:
        site: file, line and text.
        target: the name that is drawn, without index; None inside an expression.
        labels: source text of the target (0), of positional arguments (1, 2, ...) and of keyword arguments.
        q_is_constant: whether ``where(q=...)`` says the same each time, so that it is evaluated once.
        refers_to_itself: whether the target's name occurs among the arguments, as in ``x = ~F(x)``.
        loops: the lines of the loops around it.
        unpacks: whether several targets stand on the left.
    """

    site: Site
    target: str | None = None
    labels: dict[int | str, str] = field(default_factory=dict)
    q_is_constant: bool = False
    refers_to_itself: bool = False
    loops: tuple[int, ...] = ()
    unpacks: bool = False
