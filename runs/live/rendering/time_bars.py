"""Time bars of parallel work: the calls of a turn, and the lanes of a race. Drawn from one row.

Coordinates are attributes of an SVG 1,000 wide, because the content security policy forbids inline styles.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.utils.translation import gettext, ngettext, pgettext_lazy

from runs.agent.payloads.steps import CallBeside, Lane, RacePayload, ToolCallPayload, ToolResultPayload
from runs.agent.tool_calls.call_states import PROGRESS
from runs.live.rendering.formatting import cost_text, counted_text, decimal_of, dollars, duration_text
from runs.models import Step

WIDTH = 1000
NARROWEST = 4
"""Minimum width of a bar, so that it stays visible."""

LANE_WORDS = {
    "won": pgettext_lazy("lane", "won"),
    "lost": pgettext_lazy("lane", "lost"),
    "failed": pgettext_lazy("lane", "failed"),
    "cancelled": pgettext_lazy("lane", "lost"),
}


@dataclass(frozen=True, slots=True)
class ConcurrencyBar:
    """One row of the chart."""

    name: str
    state: str
    words: str
    """Outcome and duration."""
    x: int = 0
    width: int = 0
    """0 without a start or an end."""
    first_x: int | None = None
    """x of the first chunk of a reply."""
    anchor: str = ""
    """Id of the element that the row is about."""
    about: str = ""
    """Start, first token and usage, as a text."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Bars over the same period."""

    caption: str
    """May be empty."""
    bars: list[ConcurrencyBar]
    element_id: str = ""


def calls_of(step: Step) -> Picture | None:
    """The parallel calls of the step's turn, as far as its row knows; None if the call ran alone."""
    calls = step.payload.calls if isinstance(step.payload, ToolCallPayload | ToolResultPayload) else ()
    if len(calls) < 2:
        return None
    ended = [call for call in calls if call.started_at is not None]
    begun, over = stretch(ended)
    bars = [_call_bar(call, begun, over) for call in calls]
    return Picture(_calls_caption(calls, ended, over - begun), bars, f"calls-{step.turn}")


def bar_of(step: Step, state: str) -> ConcurrencyBar:
    """The bar of the step's call: in the time of its turn's calls, or over the whole width if it ran alone."""
    picture, anchor = calls_of(step), f"call-{step.call_id}"
    bars = picture.bars if picture else []
    has_run = step.started_at is not None and step.ended_at is not None
    alone = ConcurrencyBar(step.tool_name, state, "", 0, WIDTH if has_run else 0, anchor=anchor)
    return next((bar for bar in bars if bar.anchor == anchor), alone)


def race_of(step: Step) -> Picture | None:
    """The lanes of a race; None if the step has none."""
    if not isinstance(step.payload, RacePayload) or not step.payload.lanes:
        return None
    lanes = step.payload.lanes
    begun, over = stretch(lanes)
    return Picture(_race_caption(step.payload), [_lane_bar(lane, begun, over) for lane in lanes])


def stretch(spans: Sequence[CallBeside | Lane]) -> tuple[float, float]:
    """The first start and the last end, in seconds."""
    begun = min((span.started_at for span in spans if span.started_at is not None), default=0.0)
    return begun, max(
        (span.ended_at or span.started_at for span in spans if span.started_at is not None), default=begun
    )


def bar_place(span: CallBeside | Lane, begun: float, over: float) -> tuple[int, int]:
    """Position (x) and width of a bar."""
    start, end = span.started_at, span.ended_at
    if start is None or end is None or over <= begun:
        return 0, 0
    x = min(_x(start, begun, over), WIDTH - NARROWEST)
    return x, max(NARROWEST, _x(end, begun, over) - x)


def first_x_of(lane: Lane, begun: float, over: float) -> int | None:
    """The x of the first word of a lane's reply; None without one."""
    first = lane.first_token_at
    return _x(first, begun, over) if first is not None and over > begun else None


def _x(moment: float, begun: float, over: float) -> int:
    return round((moment - begun) / (over - begun) * WIDTH)


def _call_bar(call: CallBeside, begun: float, over: float) -> ConcurrencyBar:
    x, width = bar_place(call, begun, over)
    progress = PROGRESS.get(call.state, call.state)
    words = [gettext(progress) if progress else "", _took(call)]
    about = _from(call.started_at - begun) if call.started_at is not None else ""
    return ConcurrencyBar(
        call.tool_name,
        call.state if call.state in PROGRESS else "unknown",
        " ".join(filter(None, words)) or gettext("ended"),
        x,
        width,
        anchor=_anchor(call.call_id),
        about=about,
    )


def _anchor(call_id: str) -> str:
    """The id of a call's card; empty for an id that is none."""
    try:
        return f"call-{UUID(call_id)}"
    except ValueError:
        return ""


def _calls_caption(calls: Sequence[CallBeside], ended: Sequence[CallBeside], took_s: float) -> str:
    still = sum(call.state in ("waiting", "running") for call in calls)
    if still:
        return gettext("%(n)s in parallel, %(done)s done") % {"n": len(calls), "done": len(calls) - still}
    denied = sum(call.state == "denied" for call in calls)
    words = gettext("%(n)s in parallel, %(denied)s denied") if denied else gettext("%(n)s in parallel")
    name = words % {"n": len(calls), "denied": denied}
    return f"{name} · {duration_text(took_s)}" if ended else name


def _lane_bar(lane: Lane, begun: float, over: float) -> ConcurrencyBar:
    x, width = bar_place(lane, begun, over)
    return ConcurrencyBar(
        lane.model,
        lane.outcome,
        " ".join(filter(None, [str(LANE_WORDS.get(lane.outcome, lane.outcome)), _took(lane)])),
        x,
        width,
        first_x=first_x_of(lane, begun, over),
        about=" · ".join(_lane_facts(lane, begun)),
    )


def _lane_facts(lane: Lane, begun: float) -> list[str]:
    start, first = lane.started_at, lane.first_token_at
    first_words = gettext("no word")
    if first is not None and start is not None:
        first_words = gettext("first word %(time)s") % {"time": duration_text(first - start)}
    tokens = ngettext("%(n)s token", "%(n)s tokens", lane.tokens or 0) % {"n": counted_text(lane.tokens or 0)}
    return [
        gettext("not asked") if start is None else _started(start - begun),
        first_words,
        gettext("tokens not reported") if lane.tokens is None else f"{'≈' * lane.tokens_are_estimated}{tokens}",
        gettext("cost %(cost)s") % {"cost": cost_text(lane.cost)},
    ]


def _started(since_s: float) -> str:
    return gettext("started at %(time)s") % {"time": duration_text(since_s)}


def _from(since_s: float) -> str:
    return gettext("from %(time)s") % {"time": duration_text(since_s)}


def _race_caption(told: RacePayload) -> str:
    """What the race took and gave. That it is one, and of which kind, is the head of its card."""
    gain = ", ".join(filter(None, [_more_cost(told.lanes), _faster(told.lanes)]))
    if told.multiple is None:
        return gain
    requests = ngettext("%(n)s request instead of 1", "%(n)s requests instead of 1", round(told.multiple))
    return ": ".join(filter(None, [requests % {"n": counted_text(round(told.multiple))}, gain]))


def _more_cost(lanes: Sequence[Lane]) -> str:
    """What the replies that did not win have cost; empty unless all of it is known."""
    costs = [decimal_of(lane.cost) for lane in lanes if lane.outcome != "won"]
    known = [cost for cost in costs if cost is not None]
    return f"+{dollars(sum(known, Decimal(0)))}" if known and len(known) == len(costs) else ""


def _faster(lanes: Sequence[Lane]) -> str:
    """How much later the agent's first model gave its reply than the winner; empty unless it gave one."""
    won = next((lane for lane in lanes if lane.outcome == "won"), None)
    first = next((lane for lane in lanes if lane.lane == 1 and lane.outcome == "lost"), None)
    if won is None or first is None or won.ended_at is None or first.ended_at is None or first.ended_at <= won.ended_at:
        return ""
    sooner = {"time": duration_text(first.ended_at - won.ended_at)}
    return gettext("%(time)s faster than the agent's first model") % sooner


def _took(span: CallBeside | Lane) -> str:
    start, end = span.started_at, span.ended_at
    return "" if start is None or end is None else duration_text(end - start)
