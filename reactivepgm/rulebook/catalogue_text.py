"""The catalogue in writing: tables for a terminal, lines of text for a pipe, a page of Markdown for the documentation."""

from collections.abc import Iterable, Iterator, Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from reactivepgm.nodes import Interface
from reactivepgm.rulebook.catalogue import KINDS, Entry, described

COMMAND = "python -m reactivepgm rules --markdown > docs/rules.md"
"""What makes the page."""

_COUNTED = ("node", "interfaces", "messages", "joints", "energies", "kernels", "log scales")
_INTERFACE = ("interface", "also", "what sits there")
_RULE = ("computes", "from", "gives", "where", "what it says")

Rows = list[tuple[str, ...]]


def counts(found: Iterable[Entry]) -> tuple[tuple[str, ...], Rows]:
    """Heads and rows of the list of all nodes.

    Example:
        >>> from reactivepgm.rulebook.catalogue import entry
        >>> counts([entry("HalfNormal")])[1]
        [('HalfNormal', 'out, variance', '2', '-', '1', '-', '-')]
    """
    rows = []
    for one in found:
        name = ", ".join([one.node.name, *one.further_names])
        numbers = [str(one.count(kind) or "-") for kind in KINDS.values()]
        rows.append((name, ", ".join(one.node.names), *numbers))
    return _COUNTED, rows


def interfaces(one: Entry) -> tuple[tuple[str, ...], Rows]:
    """Heads and rows of a node's interfaces."""
    return _INTERFACE, [(i.name, _aliases(i), described(i)) for i in one.node.interfaces]


def rules(one: Entry) -> tuple[tuple[str, ...], Rows]:
    """Heads and rows of a node's rules."""
    return _RULE, [
        (f"{row.kind} {row.target}".strip(), row.inputs, row.output, row.place, row.claim) for row in one.rows
    ]


def plain(heads: Sequence[str], rows: Rows) -> str:
    """Columns of text, one line a row, for a pipe.

    Example:
        >>> print(plain(("a", "b"), [("1", "2"), ("333", "4")]))
        a    b
        1    2
        333  4
    """
    widths = [max(len(row[k]) for row in (heads, *rows)) for k in range(len(heads))]
    return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in (heads, *rows))


def table(title: str, heads: Sequence[str], rows: Rows) -> Table:
    """A table for a terminal: cells wrap there.

    Example:
        >>> table("t", ("a", "b"), [("1", "2")]).row_count
        1
    """
    made = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, show_lines=False, pad_edge=False)
    for k, head in enumerate(heads):
        made.add_column(head, overflow="fold", style="bold" if k == 0 else "")
    for row in rows:
        made.add_row(*(Text(cell) for cell in row))
    return made


def heading(one: Entry) -> str:
    """A node's title: its names and its kind.

    Example:
        >>> from reactivepgm.rulebook.catalogue import entry
        >>> heading(entry("Transition"))
        'DiscreteTransition (also Transition), stochastic'
    """
    also = f" (also {', '.join(one.further_names)})" if one.further_names else ""
    return f"{one.node.name}{also}, {one.node.kind}"


def markdown(found: Sequence[Entry]) -> str:
    """The page of all rules.

    Example:
        >>> from reactivepgm.rulebook.catalogue import entry
        >>> markdown([entry("HalfNormal")]).splitlines()[0]
        '# The rules'
    """
    return "\n".join(_page([one for one in found if one.rows])) + "\n"


def _page(found: Sequence[Entry]) -> Iterator[str]:
    total = sum(len(one.rows) for one in found)
    yield "# The rules"
    yield ""
    yield f"Every node with its interfaces, its formulas and its rules: {len(found)} nodes, {total} rules. This page is made by"
    yield f"`{COMMAND}`; `python -m reactivepgm rules NAME` shows one node with line numbers. `m_x` is a message, `q_x` a"
    yield "marginal, `q_x_y` a joint marginal; a point mass may stand for either. Types are those that the rule accepts."
    yield ""
    yield "- [What is deliberately different](#what-is-deliberately-different)"
    for one in found:
        yield f"- [{one.node.name}](#{_anchor(one.node.name)}) ({', '.join(one.node.names)})"
    yield ""
    yield "## What is deliberately different"
    yield ""
    yield "Where the rulebooks in common use approximate though an exact form exists, or depart from the update that the"
    yield "free energy asks for, the rule here is the exact one:"
    yield ""
    seen: dict[str, list[str]] = {}
    for one in found:
        for difference in one.differences:
            seen.setdefault(difference, []).append(one.node.name)
    for difference, names in seen.items():
        yield f"- **{', '.join(names)}**: {difference}"
    for one in found:
        yield ""
        yield f"## {one.node.name}"
        yield ""
        if one.further_names:
            yield f"Also {', '.join(f'`{name}`' for name in one.further_names)}."
            yield ""
        yield from _grid(*interfaces(one))
        for file, text in one.formulas.items():
            yield ""
            yield f"`{file}`"
            yield ""
            yield "```text"
            yield text
            yield "```"
        yield ""
        heads, rows = rules(one)
        keep = [k for k, head in enumerate(heads) if head != "where"]
        yield from _grid([heads[k] for k in keep], [tuple(row[k] for k in keep) for row in rows], code=(1, 2))


def _grid(heads: Sequence[str], rows: Rows, code: tuple[int, ...] = ()) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(_cell(cell, k in code) for k, cell in enumerate(row))} |"


def _cell(text: str, is_code: bool) -> str:
    """A bar would end the cell, in code too."""
    escaped = text.replace("|", "\\|")
    return f"`{escaped}`" if is_code and text else escaped


def _aliases(interface: Interface) -> str:
    return ", ".join(interface.aliases)


def _anchor(name: str) -> str:
    return name.lower()
