"""``resume``: an engine that goes on where a checkpoint was taken."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from reactivepgm.inference.checkpoint import read_checkpoint
from reactivepgm.inference.engine import Engine
from reactivepgm.inference.online import infer_online
from reactivepgm.language import ModelInstance


def resume(
    path: str | os.PathLike[str],
    model: ModelInstance,
    datastream: Any = None,
    *,
    autoupdates: Callable[..., Mapping[str, Any]] | None = None,
    **options: Any,
) -> Engine:
    """An engine that goes on where a checkpoint was taken; ``engine.count`` says how many observations it has seen.

    Args:
        path: a file that ``engine.checkpoint`` wrote.
        model: the same model as then.
        datastream: the observations from ``engine.count`` on.
        autoupdates: the same function as then.
        **options: further arguments of ``infer_online``, the same as then.

    Raises:
        StorageError: the file is damaged, of another kind or version, or of another model; the message says whether the
            checkpoint before it can be read.
        OSError: the file cannot be read.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from reactivepgm import Bernoulli, Beta, infer_online, model
        >>> @model
        ... def coin(flip, a, b):
        ...     p = ~Beta(a=a, b=b)
        ...     flip[...] = ~Bernoulli(p)
        >>> counts = lambda q: {"a": q["p"].a, "b": q["p"].b}
        >>> engine = infer_online(coin(a=1.0, b=1.0), autoupdates=counts)
        >>> engine.observe(1.0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     engine.checkpoint(Path(folder) / "coin")
        ...     later = resume(Path(folder) / "coin", coin(a=1.0, b=1.0), autoupdates=counts)
        >>> later.observe(1.0)
        >>> later.count, later.latest["p"]
        (2, Beta(a=3.0, b=1.0))
    """
    snapshot = read_checkpoint(path)
    engine = infer_online(model, datastream, autoupdates=autoupdates, **options)
    engine.restore(snapshot, os.fspath(path))
    return engine
