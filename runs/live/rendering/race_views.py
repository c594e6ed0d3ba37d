"""The lanes of a race, while it runs and when it is decided: for the stage and for the turn."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext, ngettext, pgettext

from runs.agent.payloads.steps import AskedLane, Lane, RacePayload, RaceStartPayload, RetryPayload
from runs.live.rendering.error_codes import cause_of
from runs.live.rendering.formatting import cost_text, duration_text, tokens_text
from runs.live.rendering.time_bars import bar_place, first_x_of, stretch
from runs.models import Step

MOST_LANES = 6
"""Lanes that are shown one by one; further ones are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RaceLane:
    """One model in a race."""

    number: int
    """Its place in the order of preference, from 1."""
    name: str
    state: str
    """`asked`, `won`, `lost`, `failed` or `cancelled`."""
    words: str
    from_ms: int | None = None
    to_ms: int | None = None
    """Start and end, in milliseconds since the epoch; an open page moves the bar of an open lane by the clock."""
    x: int = 0
    width: int = 0
    first_x: int | None = None
    """The bar of a decided race, and its first word, 1,000 wide."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Race:
    """The lanes of one race."""

    key: str
    """Claim, turn and attempt: the name that its start, its end and its lanes share."""
    lanes: Sequence[RaceLane]
    more: int = 0
    """Further lanes."""


def race_key(step: Step) -> str:
    """The key of the race that the step starts, ends, or is a failed lane of; empty for a step of none."""
    match step.payload:
        case RaceStartPayload() | RacePayload() if step.turn and step.attempt:
            return f"{step.epoch}-{step.turn}-{step.attempt}"
        case RetryPayload(in_race=True, card=str(card)):
            return card.rsplit("-", 1)[0]
        case _:
            return ""


def race_of_start(step: Step, failed: Sequence[Step] = ()) -> Race | None:
    """The race that the step starts, with the lanes that have failed since; None for another step."""
    if not isinstance(step.payload, RaceStartPayload):
        return None
    ended = {lane.number: lane for each in failed if (lane := failed_lane(each)) and race_key(each) == race_key(step)}
    lanes = [ended.get(each.lane) or _asked(each) for each in step.payload.asked]
    return Race(key=race_key(step), lanes=lanes[:MOST_LANES], more=max(0, len(lanes) - MOST_LANES))


def race_of_end(step: Step) -> Race | None:
    """The race that the step decides; None for another step, or for a race whose start was not recorded."""
    if not isinstance(step.payload, RacePayload) or not race_key(step):
        return None
    begun, over = stretch(step.payload.lanes)
    lanes = [_decided(each, begun, over) for each in step.payload.lanes]
    return Race(key=race_key(step), lanes=lanes[:MOST_LANES], more=max(0, len(lanes) - MOST_LANES))


def failed_lane(step: Step) -> RaceLane | None:
    """The lane whose failure the step is, while the others go on; None for another step."""
    if not isinstance(step.payload, RetryPayload) or not step.payload.in_race or step.lane is None:
        return None
    status = f" {step.payload.status}" if step.payload.status else ""
    return RaceLane(
        number=step.lane,
        name=_name(step.provider, step.model),
        state="failed",
        words=f"{cause_of(step.payload.code)}{status}",
        from_ms=None if step.started_at is None else round(step.started_at.timestamp() * 1000),
        to_ms=None if step.ended_at is None else round(step.ended_at.timestamp() * 1000),
    )


def _name(provider: str, model: str) -> str:
    return f"{provider}/{model}" if provider else model


def _asked(lane: AskedLane) -> RaceLane:
    is_asked = lane.started_at is not None
    return RaceLane(
        number=lane.lane,
        name=_name(lane.provider, lane.model),
        state="asked",
        words=gettext("no word yet") if is_asked else gettext("not asked yet"),
        from_ms=None if lane.started_at is None else round(lane.started_at * 1000),
    )


def _decided(lane: Lane, begun: float, over: float) -> RaceLane:
    x, width = bar_place(lane, begun, over)
    return RaceLane(
        number=lane.lane,
        name=_name(lane.provider, lane.model),
        state=lane.outcome,
        words=words_of(lane, begun),
        x=x,
        width=width,
        first_x=first_x_of(lane, begun, over),
    )


def words_of(lane: Lane, begun: float) -> str:
    """How the lane ended: `won in 1.2 s`, `lost at 2.3 s, ≈40 tokens, $0.0011`, `Server error at 300 ms`."""
    time = {"time": "" if lane.ended_at is None else duration_text(lane.ended_at - begun)}
    match lane.outcome:
        case "won":
            return gettext("won in %(time)s") % time if time["time"] else pgettext("lane", "won")
        case "failed":
            cause = {"cause": cause_of(lane.error_code or "failed")}
            return gettext("%(cause)s at %(time)s") % (cause | time) if time["time"] else cause["cause"]
        case _:
            used = [] if lane.tokens is None else [_tokens(lane)]
            used += [] if lane.cost is None else [cost_text(lane.cost)]
            lost = gettext("lost at %(time)s") % time if time["time"] else pgettext("lane", "lost")
            return ", ".join([lost, *used])


def _tokens(lane: Lane) -> str:
    text = tokens_text(lane.tokens or 0, is_estimated=lane.tokens_are_estimated)
    return ngettext("%(n)s token", "%(n)s tokens", lane.tokens or 0) % {"n": text}
