"""Results in a file: a zip archive of one JSON text and one npz table of arrays; nothing in it is code.

``result.save(path)`` writes it, ``load_result(path)`` reads it back or says why not. The posteriors, the free energy and
the graph's structure come back equal. What the model function returned, meta objects, pipelines and functions come back
as what they looked like (``stored_value.Opaque``) where they are no plain values. Data are not kept, but for those that
are inputs of factors, which ``predict`` needs.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from reactivepgm.errors import StorageError
from reactivepgm.inference.archive import read_archive, write_archive
from reactivepgm.inference.result import Posteriors, Result
from reactivepgm.inference.stored_graph import restored_graph, stored_graph
from reactivepgm.inference.stored_value import Reader, Writer

FORMAT = "reactivepgm result"
FORMAT_VERSION = 1


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
        >>> from pathlib import Path
        >>> from reactivepgm import Beta
        >>> from reactivepgm.graph import GraphBuilder
        >>> result = Result(Posteriors({"p": Beta(2.0, 1.0)}), np.array([]), 1, True, 0.1, GraphBuilder().finish())
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_result(result, Path(folder) / "result.rpgm")
        ...     load_result(Path(folder) / "result.rpgm").posteriors
        p: Beta(a=2.0, b=1.0)
    """
    writer = Writer()
    write_archive(path, FORMAT, FORMAT_VERSION, _body(result, writer), writer)


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
        >>> from pathlib import Path
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "notes.txt"
        ...     _ = path.write_text("no result")
        ...     load_result(path)  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        reactivepgm.errors.StorageError: ...notes.txt is no reactivepgm result
    """
    body, reader = read_archive(path, FORMAT, FORMAT_VERSION)
    try:
        return _restored(body, reader)
    except StorageError as error:
        raise StorageError(f"{os.fspath(path)} {error}") from None
    except Exception as error:  # a body that passed the checks and still holds nonsense fails in many ways
        raise StorageError(f"{os.fspath(path)} is damaged ({type(error).__name__}: {error})") from error


def _body(result: Result, writer: Writer) -> dict[str, Any]:
    return {
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


def _stored_beliefs(beliefs: Posteriors, writer: Writer) -> dict[str, Any]:
    stored = {}
    for name, belief in beliefs.items():
        try:
            stored[name] = writer.distribution(belief)
        except StorageError as error:
            raise StorageError(f"the posterior of {name} cannot be stored: {error}") from None
    return stored


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
