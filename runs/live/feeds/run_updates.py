"""Updates of a run for its viewers, read and encoded in the reader's thread."""

import threading
from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal
from uuid import UUID

from django.db import connection
from django.utils import translation

from runs.agent.payloads.kinds import decides_turn, ended_cards
from runs.languages import ENGLISH
from runs.live.feeds import frames
from runs.live.feeds.frames import Frame, StepEntry
from runs.live.feeds.tree_versions import ALONE, TreeVersion, as_uuid, read_tree_versions, select_in
from runs.live.rendering import fragments
from runs.models import Run, Step
from runs.models.as_json import run_as_json, step_as_json
from runs.reply_frames import turn_name


@dataclass(frozen=True, slots=True)
class Style:
    """How a viewer is shown a run: one rendering serves all viewers of one style."""

    format: Literal["html", "json"]
    language: str = ENGLISH
    """The language that is active while it is rendered."""


JSON: Final = Style("json")
"""The API's objects, which are the same for everybody."""

Version = tuple[Any, ...]
"""The columns of a run that its state shows. While they are equal, the state need not be rendered again."""

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
    "queued_messages",
    "messages_changed_at",
)
_TREE_OF = "CASE WHEN root IS NOT NULL THEN root WHEN EXISTS (SELECT 1 FROM runs_run c WHERE c.root = r.id) THEN id END"
"""The id of the first run of the tree that a run is in; null for a run alone."""
_SELECT_VERSIONS = f"SELECT id, {_TREE_OF}, next_sequence, {', '.join(_VERSION_FIELDS)} FROM runs_run r WHERE id IN"  # noqa: S608  our columns
_STATUSES_WITH_CALLS = (Run.Status.EXECUTING, Run.Status.WAITING)
_STATE_LEAVES_OUT = ("output", "error", "answer", "task", "filled_inputs")

KEPT_ENTRIES = 300
KEPT_BYTES = 2 * 1024 * 1024
"""Limit of the encoded steps that one run keeps for viewers that come a little later."""
KEPT_BYTES_OF_ALL = 12 * 1024 * 1024
"""Limit for all runs of this process together. Beyond it a run keeps its last step only."""


@dataclass(frozen=True, slots=True)
class StateUpdate:
    """A run's state after its step `at`, as a frame in each requested style."""

    version: Version
    at: int
    is_final: bool
    frames: dict[Style, str]

    @property
    def tree(self) -> TreeVersion:
        """What the state shows of the tree that the run is in; empty for a run alone."""
        tree: TreeVersion = self.version[-1]
        return tree


@dataclass(frozen=True, slots=True)
class RunUpdate:
    """At most one frame of steps after a sequence, and the state if it changed."""

    frames: dict[Style, Frame]
    """Empty without new steps."""
    last: int
    state: StateUpdate | None
    more: bool
    """True if further steps are in the database already."""


class SharedSize:
    """A sum that several threads change, also from `__del__`."""

    def __init__(self) -> None:
        self._sum = 0
        self._lock = threading.Lock()
        self._freed: deque[int] = deque()

    def change(self, by: int) -> int:
        """Add `by` and return the sum."""
        with self._lock:
            self._sum += by
            while self._freed:
                self._sum -= self._freed.popleft()
            return self._sum

    def free(self, size: int) -> None:
        """Subtract `size`. For `__del__`, which can run in the middle of `change`: it takes no lock."""
        self._freed.append(size)


SIZE_OF_ALL = SharedSize()
"""Bytes in all step caches of this process."""


class StepCache:
    """The last steps of one run, rendered and encoded once for all viewers. Used in the reader's thread only."""

    def __init__(self) -> None:
        self._entries: OrderedDict[tuple[int, Style], StepEntry] = OrderedDict()
        self._size = 0

    def entries_after(
        self, run_id: UUID, after: int, style: Style, max_bytes: int = frames.MAX_FRAME_BYTES
    ) -> list[StepEntry]:
        """Encoded steps after `after`: as many as fit into one frame."""
        kept = frames.one_frame_of(self._kept_after(after, style), max_bytes)
        if kept:
            return kept
        return frames.one_frame_of(self._read_after(run_id, after, style), max_bytes)

    def __del__(self) -> None:
        """Give the cached bytes back to the shared sum."""
        SIZE_OF_ALL.free(self._size)

    def _kept_after(self, after: int, style: Style) -> Iterator[StepEntry]:
        while (entry := self._entries.get((after + 1, style))) is not None:
            yield entry
            after += 1

    def _read_after(self, run_id: UUID, after: int, style: Style) -> Iterator[StepEntry]:
        key = Run._meta.pk.get_db_prep_value(run_id, connection)
        for step in Step.objects.raw(_select_steps(), [key, after, frames.MAX_FRAME_STEPS]):
            value = _shown(step, style)
            entry = frames.entry(step.sequence, value, ends=ends_of(step))
            self._keep(entry, style)
            yield entry

    def _keep(self, entry: StepEntry, style: Style) -> None:
        replaced = self._entries.pop((entry.sequence, style), None)
        self._entries[entry.sequence, style] = entry
        self._grow(entry.size - (replaced.size if replaced else 0))
        while len(self._entries) > 1 and self._keeps_too_much():
            _key, dropped = self._entries.popitem(last=False)
            self._grow(-dropped.size)

    def _keeps_too_much(self) -> bool:
        too_many = len(self._entries) > KEPT_ENTRIES or self._size > KEPT_BYTES
        return too_many or SIZE_OF_ALL.change(0) > KEPT_BYTES_OF_ALL

    def _grow(self, size: int) -> None:
        self._size += size
        SIZE_OF_ALL.change(size)


def _shown(step: Step, style: Style) -> Any:
    with translation.override(style.language):
        return fragments.step_html(step) if style.format == "html" else step_as_json(step)


def ends_of(step: Step) -> tuple[str, ...]:
    """The cards and turns that the step ends; see `StepEntry.ends`."""
    cards = ended_cards(step.payload)
    return (turn_name(cards[0]),) if cards and decides_turn(step.payload) else cards


@cache
def _select_steps() -> str:
    """The SELECT of the steps after a sequence, with placeholders."""
    columns = ", ".join(str(field.column) for field in Step._meta.concrete_fields if field.name != "replay")
    return f"SELECT {columns} FROM runs_step WHERE run_id = %s AND sequence > %s ORDER BY sequence LIMIT %s"  # noqa: S608


def read_news(
    run_id: UUID, after: int, known: Version | None, styles: set[Style], cache: StepCache
) -> RunUpdate | None:
    """Changes of a run after step `after` and since row version `known`. None if the run is gone."""
    # The row first, so that all steps it counts can be read after it.
    if run_id not in (versions := read_versions([run_id])):
        return None
    last, version = versions[run_id]
    state = None if version == known else _read_state(run_id, version, styles)
    if state is not None:
        last = max(last, state.at)
    if last <= after:
        return RunUpdate({}, after, state, more=False)
    pages = {style: cache.entries_after(run_id, after, style) for style in styles}
    reached = min((page[-1].sequence if page else after for page in pages.values()), default=last)
    trimmed = {style: [entry for entry in page if entry.sequence <= reached] for style, page in pages.items()}
    new_frames = {style: frames.steps_frame(page) for style, page in trimmed.items() if page}
    return RunUpdate(new_frames, reached, state, more=reached < last)


def read_page(run_id: UUID, after: int, style: Style, cache: StepCache, max_bytes: int) -> Frame | None:
    """One frame of steps after `after`; None if there are none."""
    entries = cache.entries_after(run_id, after, style, max_bytes)
    return frames.steps_frame(entries) if entries else None


def read_versions(run_ids: list[UUID]) -> dict[UUID, tuple[int, Version]]:
    """By run that exists: its last sequence and the version of its row."""
    # Plain SQL: runs at every ring, and building the query would take three times as long as running it.
    with connection.cursor() as cursor:
        cursor.execute(*select_in(_SELECT_VERSIONS, run_ids))
        rows = cursor.fetchall()
    trees = read_tree_versions({as_uuid(tree_id) for _, tree_id, *_ in rows if tree_id is not None})
    return {
        as_uuid(run_id): (
            next_sequence - 1,
            _version(version, next_sequence, trees[as_uuid(tree_id)] if tree_id is not None else ALONE),
        )
        for run_id, tree_id, next_sequence, *version in rows
    }


def _version(columns: list[Any], next_sequence: int, tree: TreeVersion) -> Version:
    """While tools run or a person is asked, the stage shows the calls, which change with the steps. Of the other runs
    of its tree, a page shows the state and the use."""
    return (*columns, next_sequence if columns[0] in _STATUSES_WITH_CALLS else None, tree)


def _read_state(run_id: UUID, version: Version, styles: set[Style]) -> StateUpdate | None:
    """The state, at least as new as `version`. If it is newer, the next read renders it again."""
    rows = Run.objects.filter(pk=run_id)
    run = (rows if JSON in styles else rows.defer(*_STATE_LEAVES_OUT)).first()
    if run is None:
        return None
    shown: dict[Style, str] = {}
    for style in styles:
        with translation.override(style.language):
            state = fragments.state_html(run) if style.format == "html" else run_as_json(run)
        shown[style] = frames.state_frame(state, run.last_sequence)
    return StateUpdate(version, run.last_sequence, run.is_finished, shown)
