"""The figures of this process for Prometheus. Counted once per batch, never once per step where a run waits for it."""

import asyncio
import time
from collections import Counter as Tally
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

if TYPE_CHECKING:
    from runs.engine.lease import Claim
    from runs.engine.writes import Write

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
DELTA_FRAMES = Counter("agentsite_delta_frames", "Frames of replies in the making, sent to viewers.", registry=REGISTRY)
LOOP_LAG_S = Histogram(
    "agentsite_event_loop_lag_seconds",
    "How late the event loop woke up, twice a second.",
    buckets=_SHORT_S,
    registry=REGISTRY,
)


@cache
def _labelled(counter: Counter, *labels: str) -> Counter:
    """The counter with these labels. Looking it up is half the cost of counting."""
    return counter.labels(*labels)


def note_batch(writes: Sequence["Write"], began: float) -> None:
    """Count a committed transaction that began at `began` (monotonic) and the outcomes of its writes."""
    now = time.monotonic()
    BATCH_WRITES.observe(len(writes))
    COMMIT_S.observe(now - began)
    if queued_at := writes[0].queued_at:
        APPEND_S.observe(now - queued_at)
    kinds: Tally[str] = Tally()
    attempts: Tally[tuple[str, str]] = Tally()
    for write in writes:
        if write.outcome is not None and write.outcome.kind == "written":
            for step in write.steps:
                kinds[step["kind"]] += 1
                _note_attempts(step, attempts)
    for kind, count in kinds.items():
        _labelled(STEPS, kind).inc(count)
    for (of, outcome), count in attempts.items():
        _labelled(ATTEMPTS, of, outcome).inc(count)


def note_refused(writes: Sequence["Write"]) -> None:
    """Count the writes among these that were fenced or failed."""
    for write in writes:
        if write.outcome is not None and write.outcome.kind != "written":
            _labelled(REFUSED, write.outcome.kind).inc()


def note_claim(claim: "Claim") -> None:
    """Count a claim, and how long a new run has waited for it."""
    how = "reclaimed" if claim.was_hosted else "first" if claim.run.epoch == 1 else "resumed"
    CLAIMS.labels(how).inc()
    if how == "first":
        QUEUE_WAIT_S.observe(max(0.0, time.time() - claim.run.created_at.timestamp()))


async def watch_loop_for_ever() -> None:
    """Measure how late the running loop wakes up."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + LAG_EVERY_S
        await asyncio.sleep(LAG_EVERY_S)
        LOOP_LAG_S.observe(max(0.0, loop.time() - due))


def _note_attempts(step: dict[str, Any], attempts: "Tally[tuple[str, str]]") -> None:
    """What a step tells of attempts: each tells its own end once."""
    metadata = step.get("metadata") or {}
    match step["kind"]:
        case "tool_result":
            attempts["tool", _outcome_of_call(step, metadata)] += 1
        case "retry" if step.get("tool_name"):
            attempts["tool", "failed"] += 1
        case "retry" if metadata.get("card"):
            # Without a card it is a wait, and nobody was asked.
            attempts["model", "failed"] += 1
        case "race":
            for lane in metadata.get("lanes") or ():
                if lane["outcome"] not in ("won", "failed"):
                    attempts["model", str(lane["outcome"])] += 1
        case "retry":
            pass
        case _ if metadata.get("card"):
            attempts["model", "succeeded"] += 1


def _outcome_of_call(step: dict[str, Any], metadata: dict[str, Any]) -> str:
    if not step.get("severity"):
        return "succeeded"
    return "unknown" if metadata.get("code") == "outcome_unknown" else "failed"
