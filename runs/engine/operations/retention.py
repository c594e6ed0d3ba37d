"""Retention: deletes old rows in short transactions, beside a running server.

A tree of runs is deleted as a whole, from its leaves up: a run stays as long as any run of its tree has to. A
conversation is deleted from its end: a run stays as long as the run that continues it. A long run is shortened
from its end first, so that at every moment its steps are 1 to n without gaps, even after an interruption.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib.sessions.models import Session
from django.db import models, transaction
from django.db.models import Count, Exists, OuterRef, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from runs.models import (
    AlertEvent,
    ApiToken,
    Delivery,
    FileChunk,
    IdempotencyKey,
    Notification,
    Run,
    RunMessage,
    Schedule,
    ScheduleTick,
    Step,
    StoredFile,
    Thread,
    ToolCall,
    WebhookEvent,
)

TARGET_S = 0.02
"""Target of one transaction: other writers wait for it."""
REST = 1.0
"""Pause after a transaction, in multiples of its duration."""
CHUNKS_AT_ONCE = 4
"""Of half a MiB each."""
FEWEST_ROWS, FIRST_ROWS, MOST_ROWS = 100, 200, 5000
KEYS_KEPT = timedelta(days=7)
"""A launch is not repeated with the same key after that."""
FILES_KEPT = timedelta(days=1)
"""How long a document stays that was uploaded and given to nothing."""
TICKS_KEPT = timedelta(days=90)
"""How long the history of a schedule goes back."""
ALERTS_KEPT = timedelta(days=90)
"""How long the history of an alert rule goes back."""
DELIVERIES_KEPT = timedelta(days=30)
"""How long deliveries of triggers are kept, and so how long one that comes again is known."""
TOKENS_KEPT = timedelta(days=30)
"""How long revoked and expired tokens are listed."""
EVENTS_KEPT = timedelta(days=30)
"""How long the logs of webhooks and notifications go back, also for runs that are kept longer."""


@dataclass(slots=True)
class Pruned:
    """How many rows were deleted, or would be."""

    runs: int = 0
    steps: int = 0
    messages: int = 0
    """What people said to these runs while they worked."""
    sessions: int = 0
    idempotency_keys: int = 0
    tokens: int = 0
    files: int = 0
    """Documents that no run, library and schedule has any more; the artifacts of a run go with it."""
    threads: int = 0
    """Titles, stars and archive marks of threads whose runs are all gone."""
    webhook_events: int = 0
    """Of the log of webhooks, beside those that went with their runs."""
    notifications: int = 0
    """Of the log of notifications, in the same way."""
    ticks: int = 0
    """Entries in the history of schedules."""
    alert_events: int = 0
    """Entries in the history of alert rules."""
    deliveries: int = 0
    """Requests to triggers."""
    longest_s: float = 0.0
    """Duration of the longest transaction."""
    kept_for_others: int = field(default=0)
    """Old runs that stay because a newer run continues them, or one of their tree."""


class Pruner:
    """Deletes in transactions of about `TARGET_S`, with pauses between them."""

    def __init__(self, *, rest: Callable[[float], None] = time.sleep) -> None:
        self.pruned = Pruned()
        self._rest = rest
        self._rows = FIRST_ROWS

    def prune_runs(self, before: datetime) -> None:
        """Delete finished runs that ended before `before`, with their steps, calls and messages."""
        while ids := list(prunable(before).values_list("pk", flat=True)[:100]):
            for run_id in ids:
                self._prune_run(run_id, before)
        self.pruned.kept_for_others = finished(before).count()

    def prune_files(self, before: datetime) -> None:
        """Delete documents given before `before` that no run and no library has, and unfinished uploads."""
        for file_id in unused_files(before).values_list("pk", flat=True).iterator():
            while not self._delete(partial(self._shorten_or_delete_file, file_id, before)):
                pass

    def _shorten_or_delete_file(self, file_id: UUID, before: datetime) -> bool:
        StoredFile.objects.select_for_update().filter(pk=file_id).first()
        # It may have been given to a run since the query.
        if not unused_files(before).filter(pk=file_id).exists():
            return True
        # From here on nobody gives it to a run, or goes on with its upload: its bytes go before it does.
        StoredFile.objects.filter(pk=file_id).update(state=StoredFile.State.UPLOADING, user=None)
        if pks := list(FileChunk.objects.filter(file_id=file_id).values_list("pk", flat=True)[:CHUNKS_AT_ONCE]):
            FileChunk.objects.filter(pk__in=pks).delete()
            return False
        StoredFile.objects.filter(pk=file_id).delete()
        self.pruned.files += 1
        return True

    def prune_rest(self, now: datetime) -> None:
        """Delete what has expired besides runs: sessions, idempotency keys, tokens, marks of threads, events of
        webhooks, the history of schedules and alert rules, deliveries to triggers."""
        for name, rows in leftovers(now):
            while pks := list(rows.values_list("pk", flat=True)[: self._rows]):
                self._delete(partial(_delete_all, rows.filter(pk__in=pks)))
                setattr(self.pruned, name, getattr(self.pruned, name) + len(pks))

    def _prune_run(self, run_id: UUID, before: datetime) -> None:
        while not self._delete(lambda: self._shorten_or_delete(run_id, before)):
            pass

    def _shorten_or_delete(self, run_id: UUID, before: datetime) -> bool:
        """Delete a short run, or the last steps of a long one. True if nothing is left to do."""
        run = Run.objects.select_for_update().filter(pk=run_id).first()
        # The run may have been resumed, continued or deleted since the query.
        if run is None or not prunable(before).filter(pk=run_id).exists():
            return True
        keep = max(0, run.last_sequence - self._rows)
        steps, _ = Step.objects.filter(run_id=run_id, sequence__gt=keep).delete()
        self.pruned.steps += steps
        if keep:
            Run.objects.filter(pk=run_id).update(next_sequence=keep + 1)
            return False
        # The bytes of its artifacts first, a few MiB at a time.
        chunks = FileChunk.objects.filter(file__run_id=run_id).values_list("pk", flat=True)[:CHUNKS_AT_ONCE]
        if pks := list(chunks):
            FileChunk.objects.filter(pk__in=pks).delete()
            return False
        sent = RunMessage.objects.filter(run_id=run_id).values_list("pk", flat=True)[: self._rows]
        if messages := list(sent):
            RunMessage.objects.filter(pk__in=messages).delete()
            self.pruned.messages += len(messages)
            return False
        ToolCall.objects.filter(run_id=run_id).delete()
        run.delete()
        self.pruned.runs += 1
        return True

    def _delete(self, work: Callable[[], bool]) -> bool:
        with transaction.atomic():
            # Other writers wait from here on; the time this transaction waited for them is not counted.
            began = time.perf_counter()
            is_done = work()
        took_s = time.perf_counter() - began
        self.pruned.longest_s = max(self.pruned.longest_s, took_s)
        # Halve quickly and grow slowly: long transactions must be avoided first.
        wanted = self._rows // 2 if took_s > TARGET_S else self._rows + 50
        self._rows = min(MOST_ROWS, max(FEWEST_ROWS, wanted))
        self._rest(took_s * REST)
        return is_done


_OVER_AT = Coalesce("ended_at", "created_at")


def finished(before: datetime) -> models.QuerySet[Run]:
    """Finished runs that ended before `before`."""
    return Run.objects.alias(over_at=_OVER_AT).filter(status__in=Run.FINAL, over_at__lt=before)


def unused_files(before: datetime) -> models.QuerySet[StoredFile]:
    """Documents given before `before` that no run, library and schedule has, and unfinished uploads."""
    is_kept = Q(library__isnull=False) & ~Q(state=StoredFile.State.UPLOADING)
    idle = StoredFile.objects.filter(~is_kept, created_at__lt=before, run=None, attachments=None)
    return idle.exclude(pk__in=_given_to_schedules())


def _given_to_schedules() -> set[UUID]:
    """The values of templates' inputs that are ids, which those of documents are."""
    found: set[UUID] = set()
    for inputs in Schedule.objects.exclude(inputs=None).values_list("inputs", flat=True).iterator():
        for value in (inputs or {}).values():
            with suppress(ValueError):
                found.add(UUID(str(value)))
    return found


def prunable(before: datetime) -> models.QuerySet[Run]:
    """Finished runs that no other run continues and whose whole tree is like that, oldest first; of a tree those that
    have no child run any more."""
    kept = Run.objects.exclude(pk__in=_without_follow_up(before).values("pk"))
    of_tree = Q(root=OuterRef("root")) | Q(pk=OuterRef("root"))
    leaves = _without_follow_up(before).exclude(Exists(Run.objects.filter(parent_call__run=OuterRef("pk"))))
    return leaves.exclude(Exists(kept.filter(of_tree)), root__isnull=False).order_by(_OVER_AT, "pk")


def _without_follow_up(before: datetime) -> models.QuerySet[Run]:
    return finished(before).filter(continuations__isnull=True)


def would_go(before: datetime) -> Pruned:
    """The runs that `Pruner` would delete, counted without deleting."""
    ids: set[UUID] = set(finished(before).values_list("pk", flat=True))
    needs: list[tuple[UUID, Any]] = list(Run.objects.filter(continues__isnull=False).values_list("pk", "continues_id"))
    for pk, root in Run.objects.exclude(root=None).values_list("pk", "root"):
        needs += [(pk, root), (root, pk)] if root is not None else []
    while kept := {needed for needing, needed in needs if needed in ids and needing not in ids}:
        ids -= kept
    old = finished(before).count()
    sent = RunMessage.objects.filter(run__in=finished(before)).order_by().values_list("run")
    messages = sum(count for run_id, count in sent.annotate(count=Count("pk")) if run_id in ids)
    steps = sum(last - 1 for pk, last in finished(before).values_list("pk", "next_sequence") if pk in ids)
    return Pruned(runs=len(ids), steps=steps, messages=messages, kept_for_others=old - len(ids))


def _delete_all(rows: "models.QuerySet[Any]") -> bool:
    rows.delete()
    return True


def leftovers(now: datetime | None = None) -> Iterator[tuple[str, "models.QuerySet[Any]"]]:
    """Expired rows besides runs, by the field of `Pruned` that counts them."""
    now = now or timezone.now()
    over = Q(revoked_at__lt=now - TOKENS_KEPT) | Q(expires_at__lt=now - TOKENS_KEPT)
    yield "sessions", Session.objects.filter(expire_date__lt=now)
    yield "idempotency_keys", IdempotencyKey.objects.filter(created_at__lt=now - KEYS_KEPT)
    yield "tokens", ApiToken.objects.filter(over)
    unfinished = (ScheduleTick.State.WAITING, ScheduleTick.State.AT_WORK)
    yield "ticks", ScheduleTick.objects.filter(created_at__lt=now - TICKS_KEPT).exclude(state__in=unfinished)
    yield "alert_events", AlertEvent.objects.filter(at__lt=now - ALERTS_KEPT)
    yield "deliveries", Delivery.objects.filter(received_at__lt=now - DELIVERIES_KEPT)
    first, others = Run.objects.filter(pk=OuterRef("pk")), Run.objects.filter(thread=OuterRef("pk"))
    yield "threads", Thread.objects.filter(~Exists(first), ~Exists(others))
    yield "notifications", Notification.objects.filter(due_at__lt=now - EVENTS_KEPT).order_by("pk")
    yield "webhook_events", WebhookEvent.objects.filter(created_at__lt=now - EVENTS_KEPT).order_by("pk")
