"""The wait between two attempts, which a person may end early."""

import asyncio


class RetriesStopped(Exception):
    """A person ended the attempts during the wait for the next one."""


class InterruptibleSleep:
    """The waits between the attempts of one run. Used only on the run's event loop."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[bool]] = set()
        self._is_stopped = False

    async def sleep(self, seconds: float) -> bool:
        """Wait. True if the time is up, False if `try_now` ended it. Raises `RetriesStopped` on `stop_retrying`."""
        woken: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.add(woken)
        try:
            # Unlike wait_for it tells whether the time was up or the future was set.
            done, _ = await asyncio.wait([woken], timeout=seconds)
        finally:
            self._waiting.discard(woken)
        if done and not woken.result():
            raise RetriesStopped
        return not done

    def stop(self) -> None:
        """Forbid further attempts: the run is being cancelled, and a provider may swallow the cancellation."""
        self._is_stopped = True

    def check(self) -> None:
        """Raise `CancelledError` if the run was stopped. Called before each attempt."""
        if self._is_stopped:
            raise asyncio.CancelledError

    def try_now(self) -> bool:
        """End the current wait. False if there is none."""
        return self._wake(goes_on=True)

    def stop_retrying(self) -> bool:
        """End the current wait and all further attempts. False if there is no wait."""
        return self._wake(goes_on=False)

    def _wake(self, *, goes_on: bool) -> bool:
        waiting = [each for each in self._waiting if not each.done()]
        for each in waiting:
            each.set_result(goes_on)
        return bool(waiting)
