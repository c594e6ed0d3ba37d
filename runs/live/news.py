"""What there is to tell the viewers of a run: read and encoded here, in the reader's thread."""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal
from uuid import UUID

from django.db import connection

from runs.live import fragments, frames
from runs.live.frames import Entry, Frame
from runs.models import Run, Step
from runs.models.as_json import run_as_json, step_as_json

Format = Literal["html", "json"]

Version = tuple[Any, ...]
"""The parts of a run row that its state shows. While they are equal, the state need not be rendered again."""

_VERSION_FIELDS = (
    "status",
    "waiting_for",
    "cancel_requested_at",
    "pause_requested_at",
    "started_at",
    "ended_at",
    "tokens_used",
    "usage_is_estimated",
    "cost",
    "severity",
)
_SELECT_VERSIONS = f"SELECT id, next_sequence, {', '.join(_VERSION_FIELDS)} FROM runs_run WHERE id IN"  # noqa: S608  our columns
_STATE_LEAVES_OUT = ("output", "error", "answer", "task")

KEPT_ENTRIES = 300
KEPT_BYTES = 2 * 1024 * 1024
"""Encoded steps a run keeps for viewers that come a little later."""


@dataclass(frozen=True, slots=True)
class State:
    """A run's state as it was after its step `at`, as a frame in each format asked for."""

    version: Version
    at: int
    is_final: bool
    frames: dict[Format, str]


@dataclass(frozen=True, slots=True)
class News:
    """Steps after a sequence, at most one frame of them, and the state if it changed."""

    frames: dict[Format, Frame]
    """Empty if there are no new steps."""
    last: int
    state: State | None
    more: bool
    """True if further steps are already there."""


class StepCache:
    """The last steps of one run, rendered and encoded once for all viewers. Used in the reader's thread only."""

    def __init__(self) -> None:
        self._entries: OrderedDict[tuple[int, Format], Entry] = OrderedDict()
        self._size = 0

    def entries_after(self, run_id: UUID, after: int, style: Format) -> list[Entry]:
        """The steps after `after`, encoded: as many as fit into one frame."""
        kept = frames.one_frame_of(self._kept_after(after, style))
        if kept:
            return kept
        return frames.one_frame_of(self._read_after(run_id, after, style))

    def _kept_after(self, after: int, style: Format) -> Iterator[Entry]:
        while (entry := self._entries.get((after + 1, style))) is not None:
            yield entry
            after += 1

    def _read_after(self, run_id: UUID, after: int, style: Format) -> Iterator[Entry]:
        key = Run._meta.pk.get_db_prep_value(run_id, connection)
        for step in Step.objects.raw(_select_steps(), [key, after, frames.MAX_FRAME_STEPS]):
            value = fragments.step_html(step) if style == "html" else step_as_json(step)
            entry = frames.entry(step.sequence, value, ends=_ends(step))
            self._keep(entry, style)
            yield entry

    def _keep(self, entry: Entry, style: Format) -> None:
        self._entries[entry.sequence, style] = entry
        self._size += entry.size
        while len(self._entries) > KEPT_ENTRIES or (self._size > KEPT_BYTES and len(self._entries) > 1):
            _key, dropped = self._entries.popitem(last=False)
            self._size -= dropped.size


def _ends(step: Step) -> tuple[str, ...]:
    card: str | None = step.metadata.get("card")
    if card is None:
        return ()
    if step.kind in (Step.Kind.RETRY, Step.Kind.RACE) or step.unfinished_why is not None:
        return tuple(step.metadata.get("cards") or [card])
    return (card.rsplit("-", 2)[0],)


@cache
def _select_steps() -> str:
    """The statement for the steps after one, its values left open."""
    columns = ", ".join(str(field.column) for field in Step._meta.concrete_fields if field.name != "replay")
    return f"SELECT {columns} FROM runs_step WHERE run_id = %s AND sequence > %s ORDER BY sequence LIMIT %s"  # noqa: S608


def read_news(run_id: UUID, after: int, known: Version | None, styles: set[Format], cache: StepCache) -> News | None:
    """What happened to a run after step `after`, since its row was as `known`. None if the run is gone."""
    # The row first: whatever it says of steps is then already there to be read.
    if run_id not in (versions := read_versions([run_id])):
        return None
    last, version = versions[run_id]
    state = None if version == known else _read_state(run_id, version, styles)
    if state is not None:
        last = max(last, state.at)
    if last <= after:
        return News({}, after, state, more=False)
    pages = {style: cache.entries_after(run_id, after, style) for style in styles}
    reached = min((page[-1].sequence if page else after for page in pages.values()), default=last)
    trimmed = {style: [entry for entry in page if entry.sequence <= reached] for style, page in pages.items()}
    new_frames = {style: frames.steps_frame(page) for style, page in trimmed.items() if page}
    return News(new_frames, reached, state, more=reached < last)


def read_page(run_id: UUID, after: int, style: Format, cache: StepCache) -> Frame | None:
    """One frame of steps after `after`; None if there are none."""
    entries = cache.entries_after(run_id, after, style)
    return frames.steps_frame(entries) if entries else None


def read_versions(run_ids: list[UUID]) -> dict[UUID, tuple[int, Version]]:
    """For each run that exists: its last sequence, and what its state shows."""
    # Plain SQL: asked for every ring, and building the query would take three times as long as running it.
    key = Run._meta.pk
    values = [key.get_db_prep_value(run_id, connection) for run_id in run_ids]
    with connection.cursor() as cursor:
        cursor.execute(f"{_SELECT_VERSIONS} ({', '.join(['%s'] * len(values))})", values)
        return {
            run_id if isinstance(run_id, UUID) else UUID(run_id): (next_sequence - 1, tuple(version))
            for run_id, next_sequence, *version in cursor.fetchall()
        }


def _read_state(run_id: UUID, version: Version, styles: set[Format]) -> State | None:
    """The state, at least as new as `version`. If it is newer, the next look reads it again."""
    rows = Run.objects.filter(pk=run_id)
    run = (rows if "json" in styles else rows.defer(*_STATE_LEAVES_OUT)).first()
    if run is None:
        return None
    shown: dict[Format, str] = {}
    if "html" in styles:
        shown["html"] = frames.state_frame(fragments.run_state_html(run), run.last_sequence)
    if "json" in styles:
        shown["json"] = frames.state_frame(run_as_json(run), run.last_sequence)
    return State(version, run.last_sequence, run.is_finished, shown)
