"""Latency of another user meanwhile."""

import statistics
import threading
import time
from collections.abc import Callable
from typing import Self

from tests.live_site import LiveSite
from tests.visitor import Visitor

Times = list[float]


class Others:
    """Requests `/healthz`, launches and a live page from threads of its own, inside a `with` block; `times` in
    seconds."""

    def __init__(self, site: LiveSite) -> None:
        self._site = site
        self._session = site.session_of("eve")
        self._is_over = threading.Event()
        self.times: dict[str, Times] = {"healthz": [], "launch": [], "page": []}
        self.failures: list[str] = []

    def __enter__(self) -> Self:
        asks: dict[str, Callable[[Visitor], object]] = {
            "healthz": self._healthz,
            "launch": lambda eve: eve.launch("What is 17 * 23?"),
            "page": self._page,
        }
        with Visitor(self._site.url, session=self._session) as eve:
            self._run_id = eve.launch("What is 17 * 23?")
        self._threads = [threading.Thread(target=self._ask, args=each, daemon=True) for each in asks.items()]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def p99_s(self, what: str) -> float:
        """The 99th percentile of the times; the maximum of fewer than 100."""
        times = self.times[what]
        return statistics.quantiles(times, n=100)[98] if len(times) >= 100 else max(times)

    def _healthz(self, visitor: Visitor) -> None:
        status, _ = visitor.get("/healthz")
        assert status == 200, status

    def _page(self, eve: Visitor) -> None:
        status, text = eve.get(f"/runs/{self._run_id}/")
        assert status == 200, status
        assert "data-run-status" in text

    def _ask(self, what: str, ask: Callable[[Visitor], object]) -> None:
        with Visitor(self._site.url, session=self._session) as visitor:
            while not self._is_over.wait(0.05):
                began = time.perf_counter()
                try:
                    ask(visitor)
                except (AssertionError, OSError) as error:
                    self.failures.append(f"{what}: {error!r}")
                    visitor.close()
                self.times[what].append(time.perf_counter() - began)
