"""The Prometheus metrics of this process."""

import asyncio

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

REGISTRY = CollectorRegistry()
for _collector in (ProcessCollector, PlatformCollector, GCCollector):
    _collector(registry=REGISTRY)

_SHORT_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_LONG_S = (0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)
LAG_EVERY_S = 0.5

STEPS = Counter("agentsite_steps", "Steps committed here, by kind.", ["kind"], registry=REGISTRY)
ATTEMPTS = Counter(
    "agentsite_attempts", "Attempts at model replies and tool calls, by outcome.", ["of", "outcome"], registry=REGISTRY
)
BATCH_WRITES = Histogram(
    "agentsite_writer_batch_writes",
    "Writes in one transaction of the writer.",
    buckets=(1, 2, 5, 10, 25, 50, 100, 150, 200),
    registry=REGISTRY,
)
COMMIT_S = Histogram(
    "agentsite_writer_commit_seconds", "One transaction of the writer.", buckets=_SHORT_S, registry=REGISTRY
)
APPEND_S = Histogram(
    "agentsite_append_seconds",
    "From the moment a write was queued to its commit; the longest of each batch.",
    buckets=_SHORT_S,
    registry=REGISTRY,
)
REFUSED = Counter(
    "agentsite_writes_refused",
    "Writes that were not made: fenced (the run was taken over) or failed.",
    ["why"],
    registry=REGISTRY,
)
GATE_WAIT_S = Histogram(
    "agentsite_gate_wait_seconds",
    "Waits for SQLite's write lock in this process, where one had to wait.",
    buckets=_SHORT_S,
    registry=REGISTRY,
)
QUEUE_WAIT_S = Histogram(
    "agentsite_queue_wait_seconds", "From a run's launch to its first claim.", buckets=_LONG_S, registry=REGISTRY
)
CLAIMS = Counter(
    "agentsite_claims",
    "Runs claimed here: first, resumed, or reclaimed from a host that vanished.",
    ["how"],
    registry=REGISTRY,
)
HOSTED = Gauge("agentsite_hosted_runs", "Runs this process hosts now.", registry=REGISTRY)
WEBHOOK_ATTEMPTS = Counter(
    "agentsite_webhook_attempts", "Requests of webhooks recorded here, by outcome.", ["outcome"], registry=REGISTRY
)
NOTIFICATIONS = Counter(
    "agentsite_notification_attempts",
    "Messages to people recorded here, by channel and outcome.",
    ["kind", "outcome"],
    registry=REGISTRY,
)
DELTA_FRAMES = Counter("agentsite_delta_frames", "Frames of replies in the making, sent to viewers.", registry=REGISTRY)
LOOP_LAG_S = Histogram(
    "agentsite_event_loop_lag_seconds",
    "How late the event loop woke up, twice a second.",
    buckets=_SHORT_S,
    registry=REGISTRY,
)


async def watch_loop_for_ever() -> None:
    """Observe how late the running loop wakes up, every `LAG_EVERY_S`."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + LAG_EVERY_S
        await asyncio.sleep(LAG_EVERY_S)
        LOOP_LAG_S.observe(max(0.0, loop.time() - due))
