"""The writer's metrics: counted once per batch, not per step, because runs wait for it."""

import time
from collections import defaultdict
from collections.abc import Sequence
from functools import cache

from prometheus_client import Counter

from runs.engine.operations.metrics import APPEND_S, ATTEMPTS, BATCH_WRITES, COMMIT_S, REFUSED, STEPS
from runs.engine.writing.writes import EndedAttempt, Write
from runs.models import Step


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
    # Not `collections.Counter`, which is several calls of Python for each batch and key.
    kinds: defaultdict[str, int] = defaultdict(int)
    attempts: defaultdict[EndedAttempt, int] = defaultdict(int)
    for write in writes:
        if write.outcome is not None and write.outcome.kind == "written":
            for step in (write.outcome.instead or write).steps:
                kinds[step["kind"]] += 1
            if read := write.outcome.messages:
                kinds[Step.Kind.MESSAGE.value] += len(read)
            if write.closing is not None:
                kinds[Step.Kind.NOTE.value] += 1
            for attempt in write.attempts:
                attempts[attempt] += 1
    for kind, count in kinds.items():
        _labelled(STEPS, kind).inc(count)
    for (of, outcome), count in attempts.items():
        _labelled(ATTEMPTS, of, outcome).inc(count)


def note_refused(writes: Sequence[Write]) -> None:
    """Count the fenced and failed writes among these."""
    for write in writes:
        if write.outcome is not None and write.outcome.kind != "written":
            _labelled(REFUSED, write.outcome.kind).inc()
