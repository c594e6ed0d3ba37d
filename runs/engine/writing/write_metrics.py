"""The writer's metrics: counted once per batch, not per step, because runs wait for it."""

import time
from collections import Counter as Tally
from collections.abc import Sequence
from functools import cache

from prometheus_client import Counter

from runs.agent.payloads.kinds import read_payload
from runs.agent.payloads.steps import RacePayload, RetryPayload, ToolResultPayload
from runs.engine.operations.metrics import APPEND_S, ATTEMPTS, BATCH_WRITES, COMMIT_S, REFUSED, STEPS
from runs.engine.writing.columns import Columns
from runs.engine.writing.writes import Write


@cache
def _labelled(counter: Counter, *labels: str) -> Counter:
    """The counter with these labels, cached: looking it up is half the cost of counting."""
    return counter.labels(*labels)


def note_batch(writes: Sequence[Write], began: float) -> None:
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


def note_refused(writes: Sequence[Write]) -> None:
    """Count the fenced and failed writes among these."""
    for write in writes:
        if write.outcome is not None and write.outcome.kind != "written":
            _labelled(REFUSED, write.outcome.kind).inc()


def _note_attempts(step: Columns, attempts: Tally[tuple[str, str]]) -> None:
    """Count the attempts that a step ends. Each attempt ends in exactly one step."""
    match read_payload(step["kind"], step.get("metadata")):
        case ToolResultPayload(code=code):
            attempts["tool", _outcome_of_call(step, code)] += 1
        case RetryPayload() if step.get("tool_name"):
            attempts["tool", "failed"] += 1
        case RetryPayload(card=card):
            if card:  # Without a card it is a wait, and no model was asked.
                attempts["model", "failed"] += 1
        case RacePayload(lanes=lanes):
            for lane in lanes:
                if lane.outcome not in ("won", "failed"):
                    attempts["model", lane.outcome] += 1
        case payload if payload.card:
            attempts["model", "succeeded"] += 1


def _outcome_of_call(step: Columns, code: str) -> str:
    if not step.get("severity"):
        return "succeeded"
    return "unknown" if code == "outcome_unknown" else "failed"
