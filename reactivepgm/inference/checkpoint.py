"""Checkpoints of an engine: what it needs to go on as if it had never stopped.

Written atomically; the checkpoint before it stays beside it as ``<path>.previous``, for the day the newest is damaged.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reactivepgm.distributions import Distribution
from reactivepgm.errors import StorageError
from reactivepgm.inference.archive import read_archive, remove_leftovers, write_archive
from reactivepgm.inference.stored_value import Reader, Writer

FORMAT = "reactivepgm checkpoint"
FORMAT_VERSION = 1


@dataclass(frozen=True)
class Snapshot:
    """What the next observation of an engine depends on, by name.

    Attributes:
        model: the fingerprint of the graph and of the options that results depend on.
        inputs: the latest value of every datum and parameter.
        parameters: the names that autoupdates feeds back.
        unknown: data that have never come.
        state: marginals that are carried from one observation to the next.
        latest: the latest posteriors.
        history: the posteriors that are kept.
        waiting: data that came and wait for the rest of their observation.
        count: observations taken in.
        skipped: observations left out.
    """

    model: Mapping[str, Any]
    inputs: Mapping[str, Any]
    parameters: tuple[str, ...]
    unknown: tuple[str, ...]
    state: Mapping[str, Distribution]
    latest: Mapping[str, Distribution]
    history: Mapping[str, deque[Distribution]]
    waiting: Mapping[str, list[Any]]
    count: int
    skipped: int


def write_checkpoint(path: str | os.PathLike[str], snapshot: Snapshot) -> None:
    """Write a snapshot; the file that was there becomes the previous one, unless it is damaged.

    What a killed writer left behind is cleaned up.

    Raises:
        StorageError: the path is a folder.
        OSError: the file cannot be written; the old one is still there.
    """
    target = Path(os.path.realpath(path))
    _refuse_folder(path, "checkpoint")
    writer = Writer()
    body = {
        "model": snapshot.model,
        "inputs": writer.value(dict(snapshot.inputs), opaque=False),
        "parameters": list(snapshot.parameters),
        "unknown": list(snapshot.unknown),
        "state": _written(snapshot.state, writer),
        "latest": _written(snapshot.latest, writer),
        "history": {
            name: [kept.maxlen, [writer.distribution(belief) for belief in kept]]
            for name, kept in snapshot.history.items()
        },
        "waiting": writer.value(dict(snapshot.waiting), opaque=False),
        "count": snapshot.count,
        "skipped": snapshot.skipped,
    }
    remove_leftovers(target)
    if _is_well(target):
        spare = target.with_name(f".{target.name}.spare")
        spare.unlink(missing_ok=True)
        os.link(target, spare)
        spare.replace(previous(target))
        spare.unlink(missing_ok=True)  # where both were the same file already, replacing one by the other does nothing
    write_archive(target, FORMAT, FORMAT_VERSION, body, writer)


def read_checkpoint(path: str | os.PathLike[str]) -> Snapshot:
    """Read what ``write_checkpoint`` wrote.

    Raises:
        StorageError: the file is damaged, of another kind or version; the message says whether the one before it is well.
        OSError: the file cannot be read.
    """
    _refuse_folder(path, "resume")
    try:
        return _read(*read_archive(path, FORMAT, FORMAT_VERSION))
    except StorageError as error:
        raise StorageError(f"{error}{_spare_hint(path)}") from None
    except (KeyError, TypeError, ValueError) as error:
        raise StorageError(f"{os.fspath(path)} is damaged ({error}){_spare_hint(path)}") from error


def previous(path: Path) -> Path:
    """Where the checkpoint before the newest stays."""
    return path.with_name(path.name + ".previous")


def _written(beliefs: Mapping[str, Distribution], writer: Writer) -> dict[str, Any]:
    return {name: writer.distribution(belief) for name, belief in beliefs.items()}


def _read(body: Any, reader: Reader) -> Snapshot:
    return Snapshot(
        model=body["model"],
        inputs=dict(reader.value(body["inputs"])),
        parameters=tuple(body["parameters"]),
        unknown=tuple(body["unknown"]),
        state={name: reader.distribution(part) for name, part in body["state"].items()},
        latest={name: reader.distribution(part) for name, part in body["latest"].items()},
        history={
            name: deque((reader.distribution(part) for part in parts), maxlen=size)
            for name, (size, parts) in body["history"].items()
        },
        waiting={name: list(values) for name, values in reader.value(body["waiting"]).items()},
        count=int(body["count"]),
        skipped=int(body["skipped"]),
    )


def _spare_hint(path: str | os.PathLike[str]) -> str:
    spare = previous(Path(os.path.realpath(path)))
    if not _is_well(spare):
        return ""
    return f"\n  the checkpoint before it can be read: resume({os.fspath(spare)!r}, ...)"


def _is_well(path: Path) -> bool:
    """Whether a file is there and can be read."""
    try:
        _read(*read_archive(path, FORMAT, FORMAT_VERSION))
    except (OSError, StorageError, KeyError, TypeError, ValueError):
        return False
    return True


def _refuse_folder(path: str | os.PathLike[str], verb: str) -> None:
    if Path(path).is_dir():
        example = str(Path(path) / "engine.checkpoint")
        raise StorageError(f"{os.fspath(path)} is a folder, and a checkpoint is a file\n  write  {verb}({example!r})")
