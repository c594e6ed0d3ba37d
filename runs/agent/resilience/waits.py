"""The wait between two attempts, which a person may cut short."""

import asyncio


class RetriesStopped(Exception):
    """A person ended the attempts while they waited for the next one."""


class Waits:
    """The waits of one run. Belongs to its event loop."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[bool]] = set()

    @property
    def is_waiting(self) -> bool:
        """True while an attempt waits for its time."""
        return bool(self._waiting)

    async def sleep(self, seconds: float) -> bool:
        """Wait; True if the time is up, False if `try_now` cut it short. Raises `RetriesStopped` on `stop_retrying`."""
        woken: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.add(woken)
        try:
            # Unlike wait_for it leaves no doubt whether the time was up or somebody came.
            done, _ = await asyncio.wait([woken], timeout=seconds)
        finally:
            self._waiting.discard(woken)
        if done and not woken.result():
            raise RetriesStopped
        return not done

    def try_now(self) -> bool:
        """End the present wait. False if there is none."""
        return self._wake(goes_on=True)

    def stop_retrying(self) -> bool:
        """End the present wait, and the attempts as if that had been the last one. False if there is none."""
        return self._wake(goes_on=False)

    def _wake(self, *, goes_on: bool) -> bool:
        waiting = [each for each in self._waiting if not each.done()]
        for each in waiting:
            each.set_result(goes_on)
        return bool(waiting)
