"""Which posteriors a subscriber wants to see: initial ones, or those that no datum can change, may be skipped.

    posterior         --initial------first------second-->
    SkipInitial       ---------------first------second-->
    IncludeAll        --initial------first------second-->
"""

from __future__ import annotations


class SkipStrategy:
    """What is left out; by default nothing.

    Example:
        >>> SkipInitial().skips(is_initial=True, is_clamped=False), IncludeAll().skips(is_initial=True, is_clamped=False)
        (True, False)
    """

    initial = False
    """Whether marginals that were set and not yet computed are left out."""
    clamped = False
    """Whether marginals that follow from constants alone are left out."""

    def skips(self, *, is_initial: bool, is_clamped: bool) -> bool:
        """Whether a marginal of this kind is left out."""
        return (self.initial and is_initial) or (self.clamped and is_clamped)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class IncludeAll(SkipStrategy):
    """Leave out nothing."""


class SkipInitial(SkipStrategy):
    """Leave out marginals that were set and not yet computed; the default."""

    initial = True


class SkipClamped(SkipStrategy):
    """Leave out marginals that follow from constants alone."""

    clamped = True


class SkipClampedAndInitial(SkipStrategy):
    """Leave out both."""

    initial = True
    clamped = True
