"""The command line: ``python -m reactivepgm rules [NODE]`` prints rules from the registry, ``--version`` the version."""

import argparse
import importlib.metadata
import sys
from collections.abc import Sequence

from rich.console import Console

from reactivepgm.errors import ParametrisationError
from reactivepgm.rulebook.catalogue import Entry, entries, entry
from reactivepgm.rulebook.catalogue_text import counts, heading, interfaces, markdown, plain, rules, table


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: what stands behind ``python -m reactivepgm``; by default the process's own.

    Returns:
        The exit code: 0, or 2 for a node that there is not.

    Example:
        >>> main(["rules", "Nromal"])
        2
    """
    parser = argparse.ArgumentParser(prog="python -m reactivepgm", description=__doc__.splitlines()[0])
    parser.add_argument("--version", action="version", version=f"reactivepgm {_version()}")
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("rules", help="the nodes, or one node's interfaces, formulas and rules")
    listing.add_argument("node", nargs="?", help="a node's name; without it all nodes are listed")
    listing.add_argument("--markdown", action="store_true", help="as a page of Markdown: one node, or all")
    chosen = parser.parse_args(arguments)
    try:
        found = entries() if chosen.node is None else (entry(chosen.node),)
    except ParametrisationError as error:
        print(error, file=sys.stderr)
        return 2
    if chosen.markdown:
        print(markdown(found), end="")
    elif chosen.node is None:
        _show("", *counts(found))
    else:
        _show_node(found[0])
    return 0


def _show_node(one: Entry) -> None:
    print(heading(one))
    for node in one.node.parametrisations or ():
        print(f"  keywords choose {node.name}({', '.join(f'{name}=' for name in node.names[1:])})")
    print()
    _show("Interfaces", *interfaces(one))
    for text in one.formulas.values():
        print(f"\n{text}")
    for difference in one.differences:
        print(f"\nDiffers from the usual rule: {difference}")
    if one.rows:
        print()
        _show("Rules", *rules(one))


def _show(title: str, heads: Sequence[str], rows: list[tuple[str, ...]]) -> None:
    """Rich's table in a terminal, plain columns in a pipe."""
    console = Console()
    if console.is_terminal:
        console.print(table(title, heads, rows))
    else:
        print(plain(heads, rows))


def _version() -> str:
    try:
        return importlib.metadata.version("reactivepgm")
    except importlib.metadata.PackageNotFoundError:
        return "(not installed)"


if __name__ == "__main__":
    sys.exit(main())
