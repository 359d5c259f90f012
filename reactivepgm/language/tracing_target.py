"""Where the value of an instruction goes: the name or the element that ``~F(...)`` is about to be stored under.

Without source there is no syntax tree, but the compiled code still says what follows.
"""

from __future__ import annotations

import dis
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType
from typing import Literal

_STORES = ("STORE_FAST", "STORE_NAME", "STORE_GLOBAL", "STORE_DEREF")
_SILENT = ("COPY", "NOP", "CACHE", "EXTENDED_ARG")
_POPS = {
    "BINARY_SUBSCR": 2,
    "BINARY_OP": 2,
    "COMPARE_OP": 2,
    "UNARY_NEGATIVE": 1,
    "UNARY_INVERT": 1,
    "UNARY_NOT": 1,
    "LOAD_ATTR": 1,
    "LOAD_METHOD": 1,
    "PUSH_NULL": 0,
    "PRECALL": 0,
    "KW_NAMES": 0,
}
"""How many values an instruction takes off the stack, where its name does not say so."""


@dataclass(frozen=True)
class Target:
    """What follows: a store under a name, into an element, of a pair, or something else."""

    kind: Literal["name", "element", "pair", "other"]
    name: str | None = None


@lru_cache(maxsize=4096)
def target_after(code: CodeType, offset: int) -> Target:
    """Where the value goes that the instruction at an offset leaves.

    Example:
        >>> code = compile("x[t] = ~F(1)", "", "exec")
        >>> tilde = [i.offset for i in dis.get_instructions(code) if i.opname == "UNARY_INVERT"]
        >>> target_after(code, tilde[0])
        Target(kind='element', name=None)
        >>> code = compile("x = ~F(1)", "", "exec")
        >>> tilde = [i.offset for i in dis.get_instructions(code) if i.opname == "UNARY_INVERT"]
        >>> target_after(code, tilde[0])
        Target(kind='name', name='x')
    """
    following = _following(code, offset)
    if not following:
        return Target("other")
    stored = _stored(following[0])
    if stored is not None:
        return Target("name", stored)
    if following[0].opname == "UNPACK_SEQUENCE" and following[0].arg == 2:
        names = [_stored(i) for i in following[1:3]]
        if following[1].opname == "STORE_FAST_STORE_FAST":
            names = list(following[1].argval)
        return Target("pair", names[1]) if all(names) else Target("other")
    above = 0  # how many values lie on top of the one that is followed
    for instruction in following:
        name, arg = instruction.opname, instruction.arg
        if name in ("STORE_SUBSCR", "STORE_SLICE"):
            return Target("element") if above == (2 if name == "STORE_SUBSCR" else 3) else Target("other")
        pops = _pops(name, arg or 0)
        if pops is None or pops > above:
            return Target("other")
        above += dis.stack_effect(instruction.opcode, arg)
    return Target("other")


def _following(code: CodeType, offset: int) -> list[dis.Instruction]:
    """The instructions that run next; a jump forward, as after the first branch of ``~A() if c else ~B()``, is taken."""
    found: list[dis.Instruction] = []
    for instruction in dis.get_instructions(code):
        if instruction.offset <= offset or instruction.opname in _SILENT:
            continue
        if instruction.opname == "JUMP_FORWARD":
            offset = instruction.argval - 1
            continue
        found.append(instruction)
    return found


def _stored(instruction: dis.Instruction) -> str | None:
    if instruction.opname in _STORES:
        return str(instruction.argval)
    if instruction.opname in ("STORE_FAST_STORE_FAST", "STORE_FAST_LOAD_FAST"):
        return str(instruction.argval[0])
    return None


def _pops(name: str, arg: int) -> int | None:
    if name in _POPS:
        return _POPS[name]
    if name.startswith("LOAD_") and name != "LOAD_SUPER_ATTR":
        return 0
    if name in ("BUILD_TUPLE", "BUILD_LIST", "BUILD_SLICE"):
        return arg
    return arg + 2 if name == "CALL" else None


@lru_cache(maxsize=4096)
def is_in_loop(code: CodeType, offset: int) -> bool:
    """Whether an instruction lies between a jump back and where that goes.

    Example:
        >>> is_in_loop(compile("for i in x: y = ~i", "", "exec"), 12), is_in_loop(compile("y = ~i", "", "exec"), 2)
        (True, False)
    """
    jumps = [i for i in dis.get_instructions(code) if "JUMP_BACKWARD" in i.opname]
    return any(i.argval <= offset <= i.offset for i in jumps)
