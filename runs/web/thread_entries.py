"""The runs of a thread as its page shows them: what a person wrote, what was done, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from django.db.models.functions import Left
from django.utils.safestring import SafeString

from runs.live.rendering import fragments
from runs.live.rendering.artifacts import ArtifactView
from runs.live.rendering.run_lines import add_lines, with_starts
from runs.live.rendering.step_views import StepView, step_view
from runs.models import Run, Step, StoredFile
from runs.models.permissions import may_decide, may_launch, may_stop
from runs.web.thread_files import given_with, made_by
from runs.web.thread_parts import Part, RunWords, parts_of, words_of_runs
from runs.web.thread_tree import Branch, ThreadRun, ThreadTree

MESSAGE_CHARS: Final = 4_000
"""Characters of a message that are shown; the page of its run shows all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadEntry:
    """A run of a thread, or the place of one that the user may not see."""

    run: Run | None
    """With its line; None for a run of somebody else."""
    number: int
    """Of the run in its conversation, from 1."""
    is_end: bool = False
    """True for the last run of the conversation."""
    branch: Branch | None = None
    message: str = ""
    is_cut: bool = False
    """True if the message is longer."""
    given: Sequence[StoredFile] = ()
    """The files given with the message."""
    parts: Sequence[Part] = ()
    answer: Step | None = None
    card: StepView | None = None
    """The answer as a step; None without one."""
    error: Step | None = None
    error_card: StepView | None = None
    """The error that ended the run; None for a run that did not fail."""
    made: Sequence[ArtifactView] = ()
    """The files that the run has made."""
    queued: SafeString = field(default_factory=SafeString)
    """The messages to a run in progress that it has not read."""
    question: SafeString = field(default_factory=SafeString)
    """The cards of the calls that a person is asked about."""
    may_not: tuple[str, ...] = ()
    """Names of the actions that the user may not take: run.css hides their buttons."""

    @property
    def is_going(self) -> bool:
        """True if a host works on the run, or will without anybody's help."""
        return self.run is not None and not self.run.is_finished


def entries_of(user: Any, thread: ThreadTree, path: list[ThreadRun], *, first: int = 1) -> list[ThreadEntry]:
    """The entries of a part of a conversation, whose first run has the number `first`. At most ten queries."""
    ids = [each.pk for each in path if each.is_seen]
    runs = _runs(ids)
    rows = list(runs.values())
    words, given, made = words_of_runs(ids), given_with(rows), made_by(rows)
    parts, launches = parts_of(rows, words), may_launch(user)
    entries = []
    for number, each in enumerate(path, first):
        run = runs.get(each.pk)
        if run is None:
            entries.append(ThreadEntry(run=None, number=number))
            continue
        entries.append(
            ThreadEntry(
                run=run,
                number=number,
                is_end=not each.follow_ups,
                branch=thread.branch_of(each),
                message=run.message[:MESSAGE_CHARS],  # type: ignore[attr-defined]
                is_cut=len(run.message) > MESSAGE_CHARS,  # type: ignore[attr-defined]
                given=given.get(run.pk, ()),
                parts=parts[run.pk],
                made=made.get(run.pk, ()),
                queued=SafeString("") if run.is_finished else fragments.messages_html(run),
                question=_question(run),
                may_not=_may_not(user, run, launches=launches),
                **_ends(run, words.get(run.pk)),
            )
        )
    return entries


def _may_not(user: Any, run: Run, *, launches: bool) -> tuple[str, ...]:
    """`launches`: whether the user may launch runs, which is asked once for all entries."""
    stops = may_stop(user, run)
    allowed = {"stop": stops, "decide": may_decide(user, run), "resume": stops and launches, "launch": launches}
    return tuple(name for name, is_allowed in allowed.items() if not is_allowed)


def _ends(run: Run, words: RunWords | None) -> dict[str, Any]:
    """The answer, or the error of a failed run."""
    if words is None:
        return {}
    if words.answer is not None:
        return {"answer": words.answer, "card": step_view(words.answer)}
    if run.status == Run.Status.FAILED and words.error is not None:
        return {"error": words.error, "error_card": step_view(words.error)}
    return {}


def _runs(ids: list[UUID]) -> dict[UUID, Run]:
    found = with_starts(Run.objects.select_related("agent", "user")).annotate(message=Left("task", MESSAGE_CHARS + 1))
    runs = found.in_bulk(ids)
    add_lines(list(runs.values()))
    return runs


def _question(run: Run) -> SafeString:
    """What a waiting run asks, as its own page shows it."""
    if run.waiting_for not in Run.ASKING or run.cancel_requested_at is not None:
        return SafeString("")
    return fragments.stage_html(run)
