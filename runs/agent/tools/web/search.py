"""A search: the services are asked in their order until one answers; one that is down is left out for a while."""

import os
from collections.abc import Sequence
from typing import Final

from runs.agent.concurrency.circuit_breaker import BreakerCall, CircuitBreaker
from runs.agent.errors.exceptions import ToolUnavailable
from runs.agent.json_data.json_types import JsonObject
from runs.agent.tools.web.search_services import SearchService, ServiceDown, services_of
from runs.agent.tools.web.search_settings import SearchSettings

FAILURES: Final = 3
"""As many failed calls of at most twice as many within `WINDOW_S` open a service's breaker."""
WINDOW_S: Final = 300.0
OPEN_S: Final = 60.0


class Search:
    """A search with one circuit breaker for each service."""

    def __init__(self, services: Sequence[SearchService]) -> None:
        self._services = services
        self._breakers = {
            each.name: CircuitBreaker(window_s=WINDOW_S, at_least_calls=FAILURES, open_s=OPEN_S) for each in services
        }

    async def results(self, query: str, count: int) -> JsonObject:
        """The name of the service that answered, and its results. Raises `ToolUnavailable` if none did."""
        reasons = []
        for service in self._services:
            call = self._breakers[service.name].begin()
            if not isinstance(call, BreakerCall):
                reasons.append(f"{service.name} (left out for {call:.0f} s, because it kept failing)")
                continue
            try:
                found = await service.search(query, count)
            except ServiceDown as down:
                call.ended("failed")
                reasons.append(f"{service.name} ({down})")
                continue
            except BaseException:
                call.ended("not_counted")
                raise
            call.ended("succeeded")
            answer: JsonObject = {"service": service.name, "results": [each.as_json() for each in found]}
            return answer if found else answer | {"note": "Nothing was found. Try other words."}
        raise ToolUnavailable(f"No search service answered: {'; '.join(reasons)}.")


_current: tuple[SearchSettings, Search] | None = None


def current_search() -> Search:
    """The search by the settings of this process. Raises `ValueError`."""
    global _current  # noqa: PLW0603 - one process, one environment
    settings = SearchSettings.parsed(os.environ)
    if _current is None or _current[0] != settings:
        _current = settings, Search(services_of(settings))
    return _current[1]
