"""One JSON text and one table of arrays in a zip archive, written atomically and checked when read; nothing in it is code."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import secrets
import zipfile
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from reactivepgm.errors import StorageError
from reactivepgm.inference.stored_value import Reader, Writer

_TEXT, _ARRAYS = "content.json", "arrays.npz"


def write_archive(path: str | os.PathLike[str], kind: str, number: int, body: Any, writer: Writer) -> None:
    """Write a file; whoever reads it sees the old one or the new one, never half of it.

    Args:
        path: the file.
        kind: what it holds, such as "reactivepgm result".
        number: the version of the format.
        body: JSON values.
        writer: the arrays that the body names.

    Raises:
        OSError: the file cannot be written; the old one is still there.
    """
    table = io.BytesIO()
    np.savez_compressed(table, **writer.arrays)
    arrays = table.getvalue()
    head = {
        "format": kind,
        "format_version": number,
        "library_version": _library_version(),
        "arrays_sha256": hashlib.sha256(arrays).hexdigest(),
    }
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        text = json.dumps({**head, "body": body}, allow_nan=False).encode()
        file.writestr(_TEXT, text, zipfile.ZIP_DEFLATED)
        file.writestr(_ARRAYS, arrays, zipfile.ZIP_STORED)
    replace_file(Path(os.path.realpath(path)), archive.getvalue())


def replace_file(target: Path, content: bytes) -> None:
    """Put a file in the place of another in one step."""
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def remove_leftovers(target: Path) -> None:
    """Remove the temporary files that a killed writer of the same file left beside it."""
    ours = re.compile(re.escape(f".{target.name}.") + "([0-9a-f]{16}|spare)")
    with suppress(FileNotFoundError):
        for file in target.parent.iterdir():
            if ours.fullmatch(file.name):
                file.unlink(missing_ok=True)


def read_archive(path: str | os.PathLike[str], kind: str, number: int) -> tuple[Any, Reader]:
    """Read what ``write_archive`` wrote.

    Returns:
        The body, and the reader of its arrays.

    Raises:
        StorageError: the file is damaged, truncated, of another kind, or of a newer version.
        OSError: the file cannot be read.
    """
    content = Path(path).read_bytes()
    try:
        return _unpacked(content, kind, number)
    except StorageError as error:
        raise StorageError(f"{os.fspath(path)} {error}") from None
    except Exception as error:  # whatever damage leads to: zip, zlib, JSON, NumPy and missing keys all fail differently
        reason = f"{type(error).__name__}: {error}"
        raise StorageError(f"{os.fspath(path)} is damaged or truncated ({reason})") from error


def _unpacked(content: bytes, kind: str, number: int) -> tuple[Any, Reader]:
    if not zipfile.is_zipfile(io.BytesIO(content)):
        if content[:2] == b"PK":
            raise StorageError("is damaged or truncated: its archive has no end")
        raise StorageError(f"is no {kind}")
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        if _TEXT not in file.namelist():
            raise StorageError(f"is no {kind}: it holds no {_TEXT}")
        whole = json.loads(file.read(_TEXT))
        _check_head(whole, kind, number)
        arrays = file.read(_ARRAYS)
    if hashlib.sha256(arrays).hexdigest() != whole["arrays_sha256"]:
        raise StorageError("is damaged: its arrays are not those that were written")
    with np.load(io.BytesIO(arrays), allow_pickle=False) as table:
        reader = Reader({name: table[name] for name in table.files})
    return whole["body"], reader


def _check_head(whole: Any, kind: str, number: int) -> None:
    if not isinstance(whole, dict) or whole.get("format") != kind:
        raise StorageError(f"is no {kind}: it is of another format")
    found = whole.get("format_version")
    if type(found) is not int or found < 1:
        raise StorageError(f"is damaged: its format version is {found!r}")
    if found > number:
        raise StorageError(
            f"has format version {found}, written by reactivepgm {whole.get('library_version')};"
            f" this one reads up to version {number}: upgrade it to read the file"
        )


def _library_version() -> str:
    try:
        return version("reactivepgm")
    except PackageNotFoundError:  # a bare checkout
        return "unknown"
