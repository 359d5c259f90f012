"""Data that stay in their factor's joint cluster instead of being factored out by themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class UnfactorizedData:
    """Data whose edges are factorised like those of random variables: ``data={"y": UnfactorizedData(ys)}``.

    Observed edges are otherwise clusters of their own. An observation is a point mass either way, so the numbers agree;
    which rules compute them may differ, and so does what a factor's clusters show.

    Args:
        value: the data.

    Example:
        >>> UnfactorizedData([1.0, 2.0])
        UnfactorizedData([1.0, 2.0])
    """

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"UnfactorizedData({self.value!r})"


def unfactorised_names(data: Mapping[str, Any]) -> frozenset[str]:
    """The names of the data that are to stay in their clusters.

    Example:
        >>> unfactorised_names({"y": UnfactorizedData([1.0]), "u": [2.0]})
        frozenset({'y'})
    """
    return frozenset(name for name, value in data.items() if isinstance(value, UnfactorizedData))
