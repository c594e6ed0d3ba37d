"""Pictures of what happened at the same time: the calls of a turn, and the lanes of a race. Drawn from one row.

Geometry is in attributes of an SVG 1,000 wide, because the pages allow no style in their HTML.
"""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from runs.agent.wording import counted
from runs.live.amounts import dollars, duration_text
from runs.models import Step

WIDTH = 1000
NARROWEST = 4
"""A bar that can still be seen."""

CALL_WORDS = {
    "waiting": "waiting",
    "denied": "denied",
    "running": "running",
    "succeeded": "",
    "failed": "failed",
    "timeout": "timed out",
    "unknown": "outcome unknown",
}
LANE_WORDS = {"won": "won", "lost": "too late", "failed": "failed", "cancelled": "stopped"}


@dataclass(frozen=True, slots=True)
class Bar:
    """One line of a picture."""

    name: str
    state: str
    words: str
    """How it ended, and how long it took."""
    x: int = 0
    width: int = 0
    """0 if it has no beginning or no end."""
    first_x: int | None = None
    """Where the first piece of a reply came."""
    anchor: str = ""
    """The element the line is about."""
    about: str = ""
    """When it began, when its first piece came, what it used."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Bars over the same stretch of time."""

    caption: str
    bars: list[Bar]
    element_id: str = ""


def calls_of(step: Step) -> Picture | None:
    """The calls that ran beside the one of this step, as far as its row knows; None if it ran alone."""
    calls = step.metadata.get("calls")
    if not isinstance(calls, list) or len(calls) < 2:
        return None
    ended = [call for call in calls if call.get("started_at") is not None]
    begun, over = _stretch(ended)
    bars = [_call_bar(call, begun, over) for call in calls]
    return Picture(_calls_caption(calls, ended, over - begun), bars, f"calls-{step.turn}")


def race_of(step: Step) -> Picture | None:
    """The lanes of a race; None if the step has none."""
    lanes = step.metadata.get("lanes")
    if not isinstance(lanes, list) or not lanes:
        return None
    started = [lane for lane in lanes if lane.get("started_at") is not None]
    begun, over = _stretch(started)
    return Picture(_race_caption(step.metadata), [_lane_bar(lane, begun, over) for lane in lanes])


def _stretch(spans: list[dict[str, Any]]) -> tuple[float, float]:
    begun = min((span["started_at"] for span in spans), default=0.0)
    return begun, max((span.get("ended_at") or span["started_at"] for span in spans), default=begun)


def _place(span: dict[str, Any], begun: float, over: float) -> tuple[int, int]:
    """Where its bar begins, and how wide it is."""
    start, end = span.get("started_at"), span.get("ended_at")
    if start is None or end is None or over <= begun:
        return 0, 0
    x = min(_x(start, begun, over), WIDTH - NARROWEST)
    return x, max(NARROWEST, _x(end, begun, over) - x)


def _x(moment: float, begun: float, over: float) -> int:
    return round((moment - begun) / (over - begun) * WIDTH)


def _call_bar(call: dict[str, Any], begun: float, over: float) -> Bar:
    x, width = _place(call, begun, over)
    words = [CALL_WORDS.get(call["state"], call["state"]), _took(call)]
    about = f"from {duration_text(call['started_at'] - begun)}" if call.get("started_at") is not None else ""
    return Bar(
        call["tool_name"],
        call["state"],
        " ".join(filter(None, words)) or "ended",
        x,
        width,
        anchor=f"call-{call['call_id']}",
        about=about,
    )


def _calls_caption(calls: list[dict[str, Any]], ended: list[dict[str, Any]], took_s: float) -> str:
    still = sum(call["state"] in ("waiting", "running") for call in calls)
    if still:
        return f"{len(calls)} calls side by side, {len(calls) - still} ended"
    denied = sum(call["state"] == "denied" for call in calls)
    name = f"{len(calls)} calls side by side{f', {denied} denied,' if denied else ''}"
    if not ended:
        return f"{name} did not run" if denied == len(calls) else f"{name} ended"
    one_by_one = sum(call["ended_at"] - call["started_at"] for call in ended)
    caption = f"{name} took {duration_text(took_s)}"
    return f"{caption}; one after another {duration_text(one_by_one)}" if one_by_one > took_s else caption


def _lane_bar(lane: dict[str, Any], begun: float, over: float) -> Bar:
    x, width = _place(lane, begun, over)
    first = lane.get("first_token_at")
    outcome = str(lane.get("outcome") or "")
    return Bar(
        f"{lane.get('model')}",
        outcome,
        " ".join(filter(None, [LANE_WORDS.get(outcome, outcome), _took(lane)])),
        x,
        width,
        first_x=_x(first, begun, over) if first is not None and over > begun else None,
        about=", ".join(_lane_facts(lane, begun)),
    )


def _lane_facts(lane: dict[str, Any], begun: float) -> list[str]:
    tokens, cost = lane.get("tokens"), lane.get("cost")
    start, first = lane.get("started_at"), lane.get("first_token_at")
    return [
        "not asked" if start is None else f"from {duration_text(start - begun)}",
        "no first token" if first is None or start is None else f"first token after {duration_text(first - start)}",
        "tokens unknown" if tokens is None else counted(tokens, "token"),
        f"cost {_cost(cost)}",
    ]


def _cost(cost: Any) -> str:
    try:
        return "unknown" if cost is None else dollars(Decimal(str(cost)))
    except InvalidOperation:
        return "unknown"


def _race_caption(metadata: dict[str, Any]) -> str:
    multiple = metadata.get("multiple")
    how = "Hedged" if metadata.get("strategy") == "hedge" else "Raced"
    if not isinstance(multiple, int | float):
        return how
    return f"{how}: racing cost {multiple:.1f}× the requests of one model"


def _took(span: dict[str, Any]) -> str:
    start, end = span.get("started_at"), span.get("ended_at")
    return "" if start is None or end is None else duration_text(end - start)
