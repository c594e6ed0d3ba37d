"""The rows of a run's timeline from its steps: turns with their model calls, tool calls and lanes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext, gettext_lazy, ngettext

from runs.agent.payloads.steps import (
    DecisionPayload,
    Lane,
    QuestionPayload,
    RacePayload,
    RetryPayload,
    ToolCallPayload,
    ToolResultPayload,
)
from runs.live.rendering.first_lines import first_line
from runs.live.rendering.formatting import counted_text
from runs.live.rendering.timeline_bars import TimelineRow
from runs.markdown import visible
from runs.models import Step, ToolCall

MOST_LANES: Final = 6
LANE_TONES: Final = {"won": "ok", "lost": "", "failed": "error", "cancelled": ""}
RESULT_TONES: Final = {"succeeded": "ok", "failed": "error", "unknown": "you"}
_RESULT_STATES: Final = {"denied": "denied", "outcome_unknown": "unknown"}
"""The state of a call whose result has this code."""
_RESULT_WORDS: Final = {
    "succeeded": gettext_lazy("succeeded"),
    "failed": gettext_lazy("failed"),
    "denied": gettext_lazy("denied"),
    "unknown": gettext_lazy("outcome unknown"),
}
_LANE_WORDS: Final = {
    "won": gettext_lazy("lane, won"),
    "lost": gettext_lazy("lane, lost"),
    "failed": gettext_lazy("lane, failed"),
    "cancelled": gettext_lazy("lane, cancelled"),
}


@dataclass(slots=True)
class _Turn:
    row: TimelineRow
    begun: float
    """When its first request may have been sent: the end of what was before it."""
    calls: dict[str, TimelineRow] = field(default_factory=dict)
    lanes: list[TimelineRow] = field(default_factory=list)
    has_reply: bool = False


def rows_of(
    steps: Iterable[Step], begun: float, calls: Iterable[ToolCall] = (), *, is_thinking: bool = False
) -> list[TimelineRow]:
    """The rows of consecutive steps, the first of which begins at `begun`.

    `calls` are those of a run that goes on; `is_thinking`: its model is asked, after the last of the steps.
    """
    turns: dict[int, _Turn] = {}
    at = begun
    for step in steps:
        ended = _seconds(step.ended_at)
        if step.turn:
            if step.turn not in turns:
                turns[step.turn] = _Turn(TimelineRow("", step.sequence, step.turn), at)
            _add(turns[step.turn], step)
        at = max(at, ended) if ended is not None else at
    for call in calls:
        turn = turns.get(call.turn)
        row = turn.calls.get(str(call.pk)) if turn else None
        if row is not None and call.state == ToolCall.State.STARTED and (start := _seconds(call.started_at)):
            row.spans.append(("run", "open", start, None))
            row.about = gettext("running")
    if is_thinking:
        _think(turns, at)
    return [row for turn in turns.values() for row in _finished(turn)]


def _think(turns: dict[int, _Turn], since: float) -> None:
    """The request that is open: of the last turn, or of the one after it if that has its reply."""
    number = max(turns, default=0)
    if number not in turns or turns[number].has_reply:
        number += 1
        turns[number] = _Turn(TimelineRow(gettext("Thinking…"), 0, number), since)
    turns[number].row.spans.append(("run", "open", since, None))


def _add(turn: _Turn, step: Step) -> None:
    start, end = _seconds(step.started_at), _seconds(step.ended_at)
    payload = step.payload
    if step.call_id is not None:
        _add_to_call(turn, step, start, end)
    elif isinstance(payload, RacePayload):
        turn.lanes += list(_lanes(step, payload))
    elif isinstance(payload, RetryPayload):
        _add_attempt(turn.row, payload, start, end, is_race=payload.in_race or payload.is_round)
    elif step.kind in (Step.Kind.REASONING, Step.Kind.ANSWER):
        _add_reply(turn, step, start, end)
    elif step.kind == Step.Kind.ERROR:
        turn.row.about = gettext("failed")


def _add_reply(turn: _Turn, step: Step, start: float | None, end: float | None) -> None:
    if not turn.row.label or step.kind == Step.Kind.ANSWER:
        line = first_line(step.content)
        is_answer = step.kind == Step.Kind.ANSWER
        turn.row.label = gettext("Answer: %(line)s") % {"line": line} if is_answer else line
        turn.row.sequence = step.sequence
    if start is not None and end is not None and not turn.has_reply:
        turn.row.spans.append(("run", "solid", start, end))
        turn.has_reply = True


def _add_to_call(turn: _Turn, step: Step, start: float | None, end: float | None) -> None:
    name = visible(step.tool_name)
    if isinstance(step.payload, ToolCallPayload) and step.payload.parent_id:
        name = f"↳ {name}"
    row = turn.calls.setdefault(
        str(step.call_id), TimelineRow(name, step.sequence, is_code=True, about=gettext("proposed"))
    )
    match step.payload:
        case QuestionPayload() if end is not None:
            row.spans.append(("you", "dashed", end, None))
            row.about = gettext("waits for a person")
        case DecisionPayload() if end is not None:
            _close(row, end)
        case RetryPayload() as retry:
            _add_attempt(row, retry, start, end)
        case ToolResultPayload(code=code):
            state = _RESULT_STATES.get(code) or ("failed" if step.severity else "succeeded")
            row.about = str(_RESULT_WORDS[state])
            _close(row, start if start is not None else end)
            if start is not None and end is not None and state != "denied":
                row.spans.append((RESULT_TONES[state], "solid", start, end))
                row.took_s = end - start
    if step.kind == Step.Kind.TOOL_CALL and not turn.has_reply and end is not None:
        # A reply of calls only has no step of its own: it came when its first call was recorded.
        turn.row.spans.append(("run", "solid", turn.begun, max(end, turn.begun)))
        turn.row.sequence, turn.has_reply = step.sequence, True


def _close(row: TimelineRow, end: float | None) -> None:
    """End the wait for a person."""
    row.spans = [
        (tone, look, start, max(end or start, start) if stop is None else stop) for tone, look, start, stop in row.spans
    ]


def _add_attempt(
    row: TimelineRow, told: RetryPayload, start: float | None, end: float | None, *, is_race: bool = False
) -> None:
    if start is not None and end is not None and not told.waits_only and not is_race:
        row.spans.append(("error", "solid", start, end))
    if end is not None and told.next_at is not None and told.next_at > end:
        row.spans.append(("run", "striped", end, told.next_at))
    row.about = row.about or gettext("retried")


def _lanes(step: Step, race: RacePayload) -> Iterator[TimelineRow]:
    for lane in race.lanes[:MOST_LANES]:
        row = TimelineRow(
            visible(lane.model), step.sequence, is_code=True, about=str(_LANE_WORDS.get(lane.outcome, lane.outcome))
        )
        if lane.started_at is not None and lane.ended_at is not None:
            row.spans.append((_lane_tone(lane), "solid", lane.started_at, lane.ended_at))
            row.took_s = lane.ended_at - lane.started_at
        yield row
    if len(race.lanes) > MOST_LANES:
        more = len(race.lanes) - MOST_LANES
        words = ngettext("+ %(n)s lane", "+ %(n)s lanes", more) % {"n": counted_text(more)}
        yield TimelineRow(words, step.sequence)


def _lane_tone(lane: Lane) -> str:
    return LANE_TONES.get(lane.outcome, "")


def _finished(turn: _Turn) -> Iterator[TimelineRow]:
    row = turn.row
    if not row.label:
        names = ", ".join(dict.fromkeys(each.label.removeprefix("↳ ") for each in turn.calls.values()))
        row.label = gettext("Calls %(names)s") % {"names": names} if names else gettext("No reply")
    _cut_waits(row)
    _sum_up(row)
    yield row
    yield from turn.lanes
    for call in turn.calls.values():
        _cut_waits(call)
        yield call


def _cut_waits(row: TimelineRow) -> None:
    """A wait for an attempt ends when the next piece begins: somebody may have cut it short."""
    spans = sorted(row.spans, key=lambda span: span[2])
    for at, (tone, look, start, end) in enumerate(spans[:-1]):
        if look == "striped" and end is not None:
            spans[at] = (tone, look, start, min(end, spans[at + 1][2]))
    row.spans = spans


def _sum_up(row: TimelineRow) -> None:
    ends: list[Any] = [end for _tone, _look, _start, end in row.spans]
    if ends and None not in ends:
        row.took_s = max(ends) - min(start for _tone, _look, start, _end in row.spans)


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()
