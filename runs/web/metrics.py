"""`/metrics`: the metrics of this process, and run counts from the database, for Prometheus."""

import secrets
import time
from collections.abc import Iterable

from django.conf import settings
from django.db import DatabaseError
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from runs.engine.operations.metrics import REGISTRY
from runs.live.sockets.hub import all_hubs
from runs.models import Run

FRESH_S = 5.0
"""Maximum age of the counts of unfinished runs, which an index holds."""
FINISHED_FRESH_S = 60.0
"""Maximum age of the counts of finished runs, which scan the table …"""
SHARE = 0.02
"""… and at most this share of the time is spent on that scan, however large the table is."""

RESPONSES = Counter("agentsite_http_responses", "Answers to requests, by class.", ["class"], registry=REGISTRY)
RESPONSE_S = Histogram(
    "agentsite_http_response_seconds",
    "From a request to the beginning of its answer.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    registry=REGISTRY,
)


@require_safe
def show_metrics(request: HttpRequest) -> HttpResponse:
    """The metrics, for a request with the token. 404 without `AGENTSITE_METRICS_TOKEN`."""
    token = settings.AGENTSITE_METRICS_TOKEN
    if not token:
        raise Http404("Metrics are off: AGENTSITE_METRICS_TOKEN is not set.")
    if not is_bearer_of(token, request.headers.get("Authorization", "")):
        return HttpResponse("Unauthorized\n", status=401, headers={"WWW-Authenticate": "Bearer"})
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return HttpResponse(encode(REGISTRY), content_type=content_type, headers={"Cache-Control": "no-store"})


def is_bearer_of(token: str, authorization: str) -> bool:
    """True if the header's value is `Bearer` and the token. Compared in constant time."""
    kind, _, given = authorization.partition(" ")
    return secrets.compare_digest(given.strip().encode(), token.encode()) and kind.lower() == "bearer"


def note_response(status: int, seconds: float) -> None:
    """Count the start of a response."""
    RESPONSES.labels(f"{status // 100}xx").inc()
    RESPONSE_S.observe(seconds)


class RunsByStatus(Collector):
    """The number of runs in each status, queried at intervals."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], int] = {}
        self._fresh_until = {True: 0.0, False: 0.0}

    def describe(self) -> Iterable[Metric]:
        """Empty: the registry would otherwise collect at registration, when there may be no database yet."""
        return []

    def collect(self) -> Iterable[Metric]:
        """The gauge; nothing while the database cannot be read, so that no outdated number looks current."""
        try:
            for finished in (False, True):
                self._refresh(finished=finished)
        except DatabaseError:
            return
        gauge = GaugeMetricFamily(
            "agentsite_runs", "Runs by status and what they wait for.", labels=["status", "waiting_for"]
        )
        for labels, count in sorted(self._counts.items()):
            gauge.add_metric(labels, count)
        yield gauge

    def _refresh(self, *, finished: bool) -> None:
        began = time.monotonic()
        if began < self._fresh_until[finished]:
            return
        runs = Run.objects.filter(status__in=Run.FINAL) if finished else Run.objects.filter(status__in=_UNFINISHED)
        counts = {(status, ""): 0 for status in (Run.FINAL if finished else _UNFINISHED)}
        found = runs.order_by().values_list("status", "waiting_for").annotate(count=Count("pk"))
        counts |= {(status, waiting_for): count for status, waiting_for, count in found}
        self._counts = {key: n for key, n in self._counts.items() if (key[0] in Run.FINAL) != finished} | counts
        took_s = time.monotonic() - began
        self._fresh_until[finished] = began + (max(FINISHED_FRESH_S, took_s / SHARE) if finished else FRESH_S)


_UNFINISHED = tuple(status.value for status in Run.Status if status not in Run.FINAL)


class OpenSockets(Collector):
    """The open sockets of this process, and the lag of their readers."""

    def collect(self) -> Iterable[Metric]:
        """The gauges."""
        sockets = [socket for hub in all_hubs() for socket in hub.sockets.all()]
        lags = [socket.steps_behind for socket in sockets if socket.run_id is not None]
        kinds = {"run": len(lags), "dashboard": len(sockets) - len(lags)}
        gauge = GaugeMetricFamily("agentsite_open_sockets", "Open sockets, by what they show.", labels=["shows"])
        for shows, count in kinds.items():
            gauge.add_metric([shows], count)
        yield gauge
        behind, most = sum(lag > 0 for lag in lags), max(lags, default=0)
        yield GaugeMetricFamily("agentsite_viewers_behind", "Viewers that lack steps others have.", value=behind)
        yield GaugeMetricFamily("agentsite_viewer_lag_steps", "Steps the slowest viewer lacks.", value=most)


for _collector in (RunsByStatus(), OpenSockets()):
    REGISTRY.register(_collector)
