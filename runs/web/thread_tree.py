"""A thread: a run and everything that follows it up. Where a run was followed up twice, the thread branches."""

from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Self
from uuid import UUID

from runs.models import Run
from runs.models.permissions import may_see_all

MOST_RUNS: Final = 20_000
"""The newest runs of a thread that its pages know; older ones count as deleted."""


@dataclass(slots=True, kw_only=True)
class ThreadRun:
    """A run in its thread."""

    pk: UUID
    continues_id: UUID | None
    is_seen: bool
    """False for a run that the user may not see. Nothing is shown of it but its place."""
    follow_ups: list["ThreadRun"] = field(default_factory=list)
    """Oldest first."""


@dataclass(frozen=True, slots=True)
class Branch:
    """The place of a run among the runs that continue the same one."""

    number: int
    count: int
    previous: UUID | None
    next: UUID | None


class ThreadTree:
    """The runs of a thread that a user may see, with the runs between them."""

    def __init__(self, thread_id: UUID, rows: Iterable[tuple[UUID, UUID | None]], seen: Container[UUID]) -> None:
        """`rows`: its runs, oldest first, each with the run that it continues."""
        self.id = thread_id
        known = {pk: ThreadRun(pk=pk, continues_id=before, is_seen=pk in seen) for pk, before in rows}
        self.has_first = thread_id in known
        """False once its first run was deleted."""
        self.runs = _with_ways(known)
        self.hidden = len(known) - sum(run.is_seen for run in known.values())
        """How many of its runs the user may not see."""
        self._roots: list[ThreadRun] = []
        for run in self.runs.values():
            self._siblings(run).append(run)

    @classmethod
    def seen_by(cls, user: Any, thread_id: UUID) -> Self | None:
        """The thread as `user` may see it; None if they see none of its runs. At most three queries."""
        runs = Run.objects.in_thread(thread_id)
        if not runs.visible_to(user).exists():
            return None
        rows = list(runs.values_list("pk", "continues_id")[:MOST_RUNS])[::-1]
        known = {pk for pk, _before in rows}
        seen = known if may_see_all(user) else set(runs.visible_to(user).values_list("pk", flat=True)[:MOST_RUNS])
        thread = cls(thread_id, rows, seen)
        return thread if thread.runs else None

    @property
    def seen(self) -> list[ThreadRun]:
        """The runs that the user may see, oldest first."""
        return [run for run in self.runs.values() if run.is_seen]

    @property
    def newest(self) -> UUID:
        """The newest run that the user may see."""
        return self.seen[-1].pk

    def path_through(self, run_id: UUID) -> list[ThreadRun]:
        """The conversation with this run: the runs before it, oldest first, and of each branch after it the newest.
        The user may see its last run."""
        path, run = [], self.runs.get(run_id)
        while run is not None:
            path.append(run)
            run = self._earlier(run)
        path.reverse()
        while path and path[-1].follow_ups:
            path.append(path[-1].follow_ups[-1])
        return path

    def branch_of(self, run: ThreadRun) -> Branch | None:
        """Where the run stands among others that continue the same one; None if it is the only one."""
        siblings = self._siblings(run)
        if len(siblings) < 2:
            return None
        at = siblings.index(run)
        return Branch(
            at + 1,
            len(siblings),
            siblings[at - 1].pk if at else None,
            siblings[at + 1].pk if at + 1 < len(siblings) else None,
        )

    def _earlier(self, run: ThreadRun) -> ThreadRun | None:
        return self.runs.get(run.continues_id) if run.continues_id is not None else None

    def _siblings(self, run: ThreadRun) -> list[ThreadRun]:
        earlier = self._earlier(run)
        return self._roots if earlier is None else earlier.follow_ups


def _with_ways(known: dict[UUID, ThreadRun]) -> dict[UUID, ThreadRun]:
    """The runs that are seen and those on the way to them, in the same order."""
    kept: set[UUID] = set()
    for run in known.values():
        if not run.is_seen:
            continue
        at: ThreadRun | None = run
        while at is not None and at.pk not in kept:
            kept.add(at.pk)
            at = known.get(at.continues_id) if at.continues_id is not None else None
    return {run_id: run for run_id, run in known.items() if run_id in kept}
