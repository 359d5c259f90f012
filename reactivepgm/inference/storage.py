"""Results in a file: a zip archive of one JSON text and one npz table of arrays; nothing in it is code.

``result.save(path)`` writes it, ``load_result(path)`` reads it back or says why not. The posteriors, the free energy and
the graph's structure come back equal. What the model function returned, meta objects, pipelines and functions come back
as what they looked like (``stored_value.Opaque``) where they are no plain values. Data are not kept, but for those that
are inputs of factors, which ``predict`` needs.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import secrets
import zipfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from reactivepgm.errors import StorageError
from reactivepgm.inference.result import Posteriors, Result
from reactivepgm.inference.stored_graph import restored_graph, stored_graph
from reactivepgm.inference.stored_value import Reader, Writer

FORMAT = "reactivepgm result"
FORMAT_VERSION = 1
_TEXT, _ARRAYS = "result.json", "arrays.npz"


def save_result(result: Result, path: str | os.PathLike[str]) -> None:
    """Write a result to a file; a reader sees the old file or the new one, never half of it.

    Args:
        result: of ``infer``.
        path: the file.

    Raises:
        StorageError: a belief that holds a function, or a class that could not be found again.
        OSError: the file cannot be written.

    Example:
        >>> import tempfile
        >>> from reactivepgm import Beta
        >>> from reactivepgm.graph import GraphBuilder
        >>> result = Result(Posteriors({"p": Beta(2.0, 1.0)}), np.array([]), 1, True, 0.1, GraphBuilder().finish())
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_result(result, Path(folder) / "result.rpgm")
        ...     load_result(Path(folder) / "result.rpgm").posteriors
        p: Beta(a=2.0, b=1.0)
    """
    content = _packed(result)
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def load_result(path: str | os.PathLike[str]) -> Result:
    """Read a result that ``result.save`` wrote.

    Args:
        path: the file.

    Returns:
        A Result with equal posteriors, free energy and graph. Its graph is for reading and for ``predict``: expressions
        over data and functions as factors are not in the file, and say so when they are used.

    Raises:
        StorageError: the file is damaged, truncated, no result, or of a newer version; or it holds a distribution of a
            class that is not known here.
        OSError: the file cannot be read.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "notes.txt"
        ...     _ = path.write_text("no result")
        ...     load_result(path)  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        reactivepgm.errors.StorageError: ...notes.txt was not written by result.save
    """
    content = Path(path).read_bytes()
    try:
        return _unpacked(content)
    except StorageError as error:
        raise StorageError(f"{os.fspath(path)} {error}") from None
    except Exception as error:  # whatever damage leads to: zip, zlib, JSON, NumPy and missing keys all fail differently
        reason = f"{type(error).__name__}: {error}"
        raise StorageError(f"{os.fspath(path)} is damaged or truncated ({reason})") from error


def _packed(result: Result) -> bytes:
    writer = Writer()
    body = {
        "posteriors": _stored_beliefs(result.posteriors, writer),
        "hidden": _stored_beliefs(result.hidden, writer),
        "free_energy": writer.value(np.asarray(result.free_energy, dtype=float)),
        "iterations": int(result.iterations),
        "converged": None if result.converged is None else bool(result.converged),
        "duration": writer.value(float(result.duration)),
        "returned": writer.value(result.returned),
        "covariates": writer.value(dict(result.covariates), opaque=False),
        "graph": stored_graph(result.graph, writer),
    }
    table = io.BytesIO()
    np.savez_compressed(table, **writer.arrays)
    arrays = table.getvalue()
    head = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "library_version": _library_version(),
        "arrays_sha256": hashlib.sha256(arrays).hexdigest(),
    }
    text = json.dumps({**head, "result": body}, allow_nan=False).encode()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr(_TEXT, text, zipfile.ZIP_DEFLATED)
        file.writestr(_ARRAYS, arrays, zipfile.ZIP_STORED)
    return archive.getvalue()


def _stored_beliefs(beliefs: Posteriors, writer: Writer) -> dict[str, Any]:
    stored = {}
    for name, belief in beliefs.items():
        try:
            stored[name] = writer.distribution(belief)
        except StorageError as error:
            raise StorageError(f"the posterior of {name} cannot be stored: {error}") from None
    return stored


def _unpacked(content: bytes) -> Result:
    if not zipfile.is_zipfile(io.BytesIO(content)):
        if content[:2] == b"PK":
            raise StorageError("is damaged or truncated: its archive has no end")
        raise StorageError("was not written by result.save")
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        if _TEXT not in file.namelist():
            raise StorageError(f"was not written by result.save: it holds no {_TEXT}")
        whole = json.loads(file.read(_TEXT))
        _check_head(whole)
        arrays = file.read(_ARRAYS)
    if hashlib.sha256(arrays).hexdigest() != whole["arrays_sha256"]:
        raise StorageError("is damaged: its arrays are not those that were written")
    with np.load(io.BytesIO(arrays), allow_pickle=False) as table:
        reader = Reader({name: table[name] for name in table.files})
    return _restored(whole["result"], reader)


def _check_head(whole: Any) -> None:
    if not isinstance(whole, dict) or whole.get("format") != FORMAT:
        raise StorageError("was not written by result.save: it is of another format")
    number = whole.get("format_version")
    if type(number) is not int or number < 1:
        raise StorageError(f"is damaged: its format version is {number!r}")
    if number > FORMAT_VERSION:
        raise StorageError(
            f"has format version {number}, written by reactivepgm {whole.get('library_version')};"
            f" this one reads up to version {FORMAT_VERSION}: upgrade it to read the file"
        )


def _restored(body: Any, reader: Reader) -> Result:
    return Result(
        posteriors=_restored_beliefs(body["posteriors"], reader),
        free_energy=reader.value(body["free_energy"]),
        iterations=int(body["iterations"]),
        converged=body["converged"],
        duration=float(reader.value(body["duration"])),
        graph=restored_graph(body["graph"], reader),
        returned=reader.value(body["returned"]),
        hidden=_restored_beliefs(body["hidden"], reader),
        covariates=reader.value(body["covariates"]),
    )


def _restored_beliefs(stored: Any, reader: Reader) -> Posteriors:
    return Posteriors({name: reader.distribution(part) for name, part in stored.items()})


def _library_version() -> str:
    try:
        return version("reactivepgm")
    except PackageNotFoundError:  # a bare checkout
        return "unknown"
