"""A scheduler whose clock is a call: what is scheduled waits until somebody releases it."""

from __future__ import annotations

from typing import Any

from reactivex import abc, typing
from reactivex.disposable import SingleAssignmentDisposable
from reactivex.scheduler.scheduler import Scheduler


class PendingScheduler(Scheduler):
    """Holds every action until ``release``.

        messages   --a--b------c---------->
        release    --------r------r------->
        out        --------ab-----c------->

    Actions that are scheduled while others are released wait for the next release. Delays are not waited for: they end
    with the release too.

    Example:
        >>> scheduler = PendingScheduler()
        >>> subscription = scheduler.schedule(lambda scheduler, state: print("now"))
        >>> scheduler.release()
        now
    """

    def __init__(self) -> None:
        super().__init__()
        self._waiting: list[tuple[SingleAssignmentDisposable, Any, Any]] = []

    @property
    def pending(self) -> int:
        """How many actions wait."""
        return sum(not handle.is_disposed for handle, _, _ in self._waiting)

    def release(self) -> None:
        """Run what waits, in the order in which it came."""
        waiting, self._waiting = self._waiting, []
        for handle, action, state in waiting:
            if not handle.is_disposed:
                handle.disposable = self.invoke_action(action, state)

    def schedule(self, action: Any, state: Any = None) -> abc.DisposableBase:
        """Run an action at the next release."""
        handle = SingleAssignmentDisposable()
        self._waiting.append((handle, action, state))
        return handle

    def schedule_relative(self, duetime: typing.RelativeTime, action: Any, state: Any = None) -> abc.DisposableBase:
        """Run an action at the next release."""
        return self.schedule(action, state)

    def schedule_absolute(self, duetime: typing.AbsoluteTime, action: Any, state: Any = None) -> abc.DisposableBase:
        """Run an action at the next release."""
        return self.schedule(action, state)
