"""What the table says about a node, as plain records: its interfaces, its rules, where they stand and what they cite.

The rule files' docstrings hold the formulas; a paragraph there that begins with ``Differs`` says where a rule departs from
the usual rulebook of the literature, and why.
"""

import sys
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from reactivepgm.errors import ParametrisationError
from reactivepgm.nodes import Interface, Node
from reactivepgm.nodes.registry import registered
from reactivepgm.rulebook.packs import load_packs
from reactivepgm.rulebook.rule_object import Rule
from reactivepgm.rulebook.table import ANY, TABLE

KINDS = {"rule": "message", "marginal": "joint", "energy": "energy", "kernel": "kernel", "scale": "log scale"}
_LABEL = "Differs "


@dataclass(frozen=True)
class RuleRow:
    """One rule as a line of text.

    Args:
        kind: "message", "joint", "energy", "kernel" or "log scale".
        target: what it computes: an interface, a joint, ``out from mean`` for a kernel, or "" for an energy.
        inputs: input kinds, as the rule's head writes them.
        output: what it returns.
        place: file and line.
        claim: the first line of its docstring.
    """

    kind: str
    target: str
    inputs: str
    output: str
    place: str
    claim: str

    @property
    def file(self) -> str:
        """The place without the line."""
        return self.place.rpartition(":")[0]


@dataclass(frozen=True)
class Entry:
    """All that is known about one node.

    Args:
        node: the node.
        further_names: other names it answers to.
        rows: its rules, messages first.
        formulas: the docstrings of the files its rules stand in, by file, without what differs.
        differences: where its rules depart from the usual rulebook, and why.
    """

    node: Node
    further_names: tuple[str, ...]
    rows: tuple[RuleRow, ...]
    formulas: dict[str, str]
    differences: tuple[str, ...]

    def count(self, kind: str) -> int:
        """How many rules of a kind it has.

        Example:
            >>> entry("Beta").count("energy")
            1
        """
        return sum(row.kind == kind for row in self.rows)


def entries() -> tuple[Entry, ...]:
    """Every registered node, by name; nodes whose keywords choose among others have no rules of their own.

    Example:
        >>> {"Beta", "GCV", "addition"} <= {found.node.name for found in entries()}
        True
    """
    load_packs()
    found = sorted(registered().values(), key=lambda pair: pair[0].name.lower())
    return tuple(_entry(node, names) for node, names in found)


def entry(name: str) -> Entry:
    """The node of a name or a further name.

    Raises:
        ParametrisationError: there is none; the message names those that come near.

    Example:
        >>> entry("NormalMixture").rows[0].target
        'out'
        >>> entry("NormalMixtur")
        Traceback (most recent call last):
        ...
        reactivepgm.errors.ParametrisationError: no node is called NormalMixtur: did you mean NormalMixture or ...
    """
    load_packs()
    known = {}
    for node, further in registered().values():
        for called in (*further, node.name):
            known[called] = node, further
    if name in known:
        return _entry(*known[name])
    folded = {called.lower(): called for called in known}
    near = [folded[called] for called in get_close_matches(name.lower(), folded, n=3, cutoff=0.6)]
    hint = f"did you mean {' or '.join(near)}?" if near else "`python -m reactivepgm rules` lists them all"
    raise ParametrisationError(f"no node is called {name}: {hint}")


def described(interface: Interface) -> str:
    """An interface in words: what it is called, what sits on it, which values it admits.

    Example:
        >>> described(Interface("variance", ("v",), event_rank=0, support="nonnegative"))
        'number, nonnegative'
    """
    rank = {None: "any shape", 0: "number", 1: "vector", 2: "matrix"}.get(interface.event_rank, f"{interface.event_rank} axes")
    parts = [rank]
    if interface.plural:
        parts.append("several variables")
    if interface.support:
        parts.append(interface.support.replace("_", " "))
    return ", ".join(parts)


def _entry(node: Node, further: tuple[str, ...]) -> Entry:
    rules = [
        rule
        for kind in KINDS
        for target in _targets(kind, node)
        for rule in dict.fromkeys(TABLE.rules(kind, node.key, target))  # "*" asked for is found twice
        if rule.target == target
    ]
    formulas: dict[str, str] = {}
    differences: list[str] = []
    for rule in rules:
        text, differing = _split(sys.modules[rule.function.__module__].__doc__ or "")
        file = _place(rule).rpartition(":")[0]
        if file not in formulas:
            formulas[file] = text
            differences += differing
    return Entry(node, further, tuple(_row(rule) for rule in rules), formulas, tuple(differences))


def _targets(kind: str, node: Node) -> list[str]:
    """In the order of the interfaces; rules for any target last."""
    order = {name: k for k, name in enumerate(node.names)}
    targets = TABLE.targets(kind, node.key)
    return sorted(targets, key=lambda t: (t == ANY, order.get(t, len(order))))


def _row(rule: Rule) -> RuleRow:
    target = rule.target
    if rule.kind == "kernel":
        out, _, ins = target.partition("|")
        target = f"{out} from {ins.replace(',', ', ')}"
    claim = (rule.function.__doc__ or "").strip().splitlines()
    return RuleRow(
        KINDS[rule.kind],
        "any" if target == ANY else target,
        rule.describe(),
        "number" if rule.kind in ("energy", "scale") else _type_name(rule.signature.returns),
        _place(rule),
        claim[0] if claim else "",
    )


def _type_name(annotation: Any) -> str:
    if annotation is None or annotation is type(None):
        return "None"
    if isinstance(annotation, type):
        return annotation.__name__
    parts = get_args(annotation)
    return " | ".join(_type_name(part) for part in parts) if parts else str(annotation).rpartition(".")[2]


def _place(rule: Rule) -> str:
    """The file below its package's parent, so that it reads the same on every machine."""
    file, _, line = rule.where.rpartition(":")
    package = rule.function.__module__.split(".")
    path = Path(file)
    inside = len(package) if path.stem != "__init__" else len(package) + 1
    return f"{'/'.join(path.parts[-inside:])}:{line}"


def _split(docstring: str) -> tuple[str, list[str]]:
    """The formulas, and what differs: a paragraph's lines go on as long as they are indented."""
    kept: list[str] = []
    differing: list[str] = []
    inside = False
    for line in docstring.strip().splitlines():
        if line.startswith(_LABEL):
            differing.append(line.removeprefix(_LABEL).strip())
            inside = True
        elif inside and line.startswith(" "):
            differing[-1] += " " + line.strip()
        else:
            inside = False
            kept.append(line)
    return "\n".join(kept).strip(), differing
