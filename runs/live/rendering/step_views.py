"""The view of a step's card, made from its row only.

No user, no token and no relative time is part of it, because the same card is sent to every viewer.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy

from runs.agent.errors.codes import TIMEOUT_CODES
from runs.agent.json_data.json_types import JsonObject
from runs.agent.payloads.absent import ABSENT
from runs.agent.payloads.kinds import NoteOfAnyKind, Payload
from runs.agent.payloads.notes import SoFarPayload
from runs.agent.payloads.steps import (
    AnswerPayload,
    DecisionPayload,
    ErrorPayload,
    MessagePayload,
    QuestionPayload,
    RacePayload,
    RaceStartPayload,
    ReasoningPayload,
    RetryPayload,
    ToolCallPayload,
    ToolResultPayload,
)
from runs.agent.tool_calls.call_states import CALL_STATES
from runs.agent.visible_text import exact
from runs.live.rendering import time_bars as pictures
from runs.live.rendering.approval_views import QuestionView, places_of, question_of
from runs.live.rendering.artifacts import ArtifactView, artifacts_in
from runs.live.rendering.child_links import ChildLink, child_of
from runs.live.rendering.data_tables import DataTable, table_of
from runs.live.rendering.error_codes import cause_of
from runs.live.rendering.first_lines import first_line
from runs.live.rendering.formatting import duration_text, moment_of
from runs.live.rendering.long_texts import (
    Fold,
    Rest,
    fold_argument,
    fold_arguments,
    fold_result,
    prose_of,
    was_cut_for_model,
)
from runs.live.rendering.race_views import Race, RaceLane, failed_lane, race_key, race_of_end, race_of_start
from runs.live.rendering.remedy_buttons import Button, ResumeButton, offers_for
from runs.live.rendering.short_texts import short_arguments, short_result
from runs.live.rendering.step_icons import ICONS, NOTE_ICONS
from runs.live.rendering.stop_views import Proof, proof_of
from runs.live.rendering.stored_words import error_words, words_of
from runs.live.rendering.time_bars import ConcurrencyBar, Picture
from runs.live.rendering.unfinished_replies import EndingView, Unfinished, ending_of, unfinished_of
from runs.markdown import visible
from runs.models import Step

MAX_TABLE_ROWS = 8
SHORT_CHARS = 240
"""A text that is not longer, and on one line, is shown without a fold."""


FACTS = {
    "tool": gettext_lazy("Tool"),
    "provider": gettext_lazy("Provider"),
    "model": gettext_lazy("Model"),
    "status": gettext_lazy("HTTP status"),
    "request_id": gettext_lazy("Request"),
    "window_tokens": gettext_lazy("Window in tokens"),
}
"""The shown fields of an error's context, and their labels."""


@dataclass(frozen=True, slots=True)
class CallBadge:
    """The state of a call on its card."""

    state: str
    label: str
    duration: str = ""
    icon: str = "hand"


@dataclass(slots=True)
class StepView:
    """What the partials of a step show, besides the row itself."""

    icon: str
    short: str = ""
    """The step on one line: a call's arguments or its result, the first line of a text."""
    changed_by: str = ""
    """Who changed the arguments of a call before it ran; empty for those of the model."""
    arguments_of: Step | None = None
    """The decision with those changed arguments."""
    changed_short: str = ""
    """The changed arguments of a decision on one line."""
    is_short: bool = False
    """True if `short` is the whole text."""
    is_open: bool = False
    """True if the card of a call is shown with its details: somebody has to look at it."""
    prose: SafeString = field(default_factory=SafeString)
    rest: Rest | None = None
    """The rest of `prose`, if it was cut."""
    duration: str = ""
    rows: list[tuple[str, Fold]] | None = None
    """Arguments as name and value; None if they are shown as `output`."""
    output: Fold | None = None
    table: DataTable | None = None
    """An answer's data as a table; otherwise it is `output`."""
    was_cut_for_model: bool = False
    """True for a result of which the model got the beginning only."""
    artifacts: list[ArtifactView] = field(default_factory=list)
    """The files that the call made."""
    picture: Picture | None = None
    """The parallel calls of the turn, or the lanes of a race."""
    race: Race | None = None
    """The race that the step starts or decides, by lanes."""
    is_race_start: bool = False
    race_key: str = ""
    failed_lane: RaceLane | None = None
    """The lane of a race that failed with this step, and the key of the race."""
    bar: ConcurrencyBar | None = None
    """Of a result: its call's bar in the time of the turn."""
    call_state: str = ""
    """State of the step's call when the step was written."""
    badge: CallBadge | None = None
    """Last known state of the call; in a list of steps, that of its last step."""
    is_unsafe: bool = False
    """True for an unsafe call, or a question about one."""
    is_of_script: bool = False
    """True for a call that a script makes."""
    ends: str = ""
    """Name of the live reply's card that this card replaces."""
    ends_all: str = ""
    """Names of all such cards, separated by spaces, if there are several."""
    tokens_are_estimated: bool = False
    cause: str = ""
    http_status: int | None = None
    suggested_action: str = ""
    """What to do about a call without a result."""
    offers: list[Button | ResumeButton] = field(default_factory=list)
    """Remedies for the error, the most useful first."""
    question: QuestionView | None = None
    """A question to a person about a call, or its answer."""
    is_decided: bool = False
    """True if a later step of the same list answers the question, or ends it without an answer."""
    answer: QuestionView | None = None
    """The answer; None without one or if the run was stopped."""
    undecided: tuple[str, ...] = ()
    """Elements of questions that this step ends: their call was stopped."""
    proof: Proof | None = None
    """The report of a stop."""
    ending: EndingView | None = None
    """The end of an incomplete answer; None for a whole one."""
    child: ChildLink | None = None
    """The run that the step's call has launched."""
    message: MessagePayload | None = None
    """Who sent the message to the run, and when."""
    is_so_far: bool = False
    """True for an answer after which the run went on."""
    unfinished: Unfinished | None = None
    """Facts about an unfinished reply, beside its text."""
    facts: list[tuple[str, str]] = field(default_factory=list)
    """The limit that was reached, and its tool, provider or model."""
    was_cut_off: bool = False
    """True if an attempt failed in the middle of its reply."""
    attempt: Literal["", "single", "lane", "round", "wait"] = ""
    """What failed: a single attempt, one lane of a race, or a round of all lanes; `wait` if no attempt was made."""
    ladder: list[str] = field(default_factory=list)
    """One word per attempt: `failed`, `next` or `left`."""
    next_at: datetime | None = None
    next_ms: int | None = None
    """Time of the next attempt, in milliseconds since the epoch."""

    def add_arguments(self, step: Step) -> None:
        """Show the arguments of the step's call, as `rows` or as `output`."""
        _add_arguments(self, step.tool_input)


def step_view(step: Step) -> StepView:
    """The view of `step`."""
    card = StepView(icon=ICONS.get(Step.Kind(step.kind), "info"), duration=_duration_of(step), ending=ending_of(step))
    _add_reply(card, step.payload)
    match step.payload:
        case ToolCallPayload(effect=effect, parent_id=parent_id):
            _add_arguments(card, step.tool_input)
            _set_call_state(card, "started")
            card.short, card.is_unsafe = short_arguments(step.tool_input), effect == "unsafe"
            card.is_of_script = bool(parent_id)
            card.picture = pictures.calls_of(step)
        case ToolResultPayload() as result:
            _add_result(card, step, result)
            card.picture, card.bar = pictures.calls_of(step), pictures.bar_of(step, card.call_state)
        case QuestionPayload() | DecisionPayload() if (question := question_of(step)) is not None:
            card.question, (card.prose, card.rest) = question, prose_of(step)
            card.call_state, card.is_unsafe = question.call_state, question.effect == "unsafe"
            card.badge = CallBadge(question.call_state, question.call_label, card.duration, question.icon)
            card.is_open = bool(question.asks)
            if question.changes:
                _add_arguments(card, step.tool_input)
                card.changed_short = short_arguments(step.tool_input)
        case RacePayload() | RaceStartPayload() as race:
            card.is_race_start = isinstance(race, RaceStartPayload)
            _add_race(card, step)
        case RetryPayload() as retry:
            _add_attempts(card, step, retry)
        case AnswerPayload(output=output) if output is not ABSENT:
            card.table, card.output, card.short = (
                table_of(output),
                fold_result(step),
                short_result(step.content, output),
            )
        case ErrorPayload() as error:
            _add_error(card, step, error)
        case other:
            _add_note(card, step, other)
    return card


def _add_note(card: StepView, step: Step, told: Payload) -> None:
    card.icon = NOTE_ICONS.get(told.note, card.icon) if isinstance(told, NoteOfAnyKind) else card.icon
    card.proof = proof_of(step)
    card.unfinished = unfinished_of(step)
    card.child = child_of(told)
    card.message = told if isinstance(told, MessagePayload) else None
    if isinstance(told, SoFarPayload):
        card.is_so_far, card.tokens_are_estimated = True, told.tokens_are_estimated
    card.prose, card.rest = prose_of(step)
    text = words_of(step)
    card.short = first_line(text)
    card.is_short = len(text) <= SHORT_CHARS and "\n" not in text.strip()


def _duration_of(step: Step) -> str:
    if step.started_at is None or step.ended_at is None:
        return ""
    return duration_text((step.ended_at - step.started_at).total_seconds())


def _add_arguments(card: StepView, arguments: Any) -> None:
    if isinstance(arguments, dict) and len(arguments) <= MAX_TABLE_ROWS:
        card.rows = [
            (exact(str(name)), fold_argument(index, value)) for index, (name, value) in enumerate(arguments.items())
        ]
    elif arguments:
        card.output = fold_arguments(arguments)


def _add_reply(card: StepView, told: Payload) -> None:
    """Set the live reply cards that this card replaces, and whether its tokens are estimated."""
    card.ends = told.card or ""
    card.ends_all = " ".join(told.cards) if isinstance(told, RacePayload) else ""
    card.tokens_are_estimated = isinstance(told, AnswerPayload | ReasoningPayload) and told.tokens_are_estimated


def _add_error(card: StepView, step: Step, told: ErrorPayload) -> None:
    card.cause = cause_of(told.code)
    card.prose, card.rest = prose_of(step)
    card.offers, card.short = offers_for(told.code), first_line(words_of(step))
    card.facts = _facts(told.context)


def _add_result(card: StepView, step: Step, told: ToolResultPayload) -> None:
    card.output, card.was_cut_for_model = fold_result(step), was_cut_for_model(step)
    card.artifacts = artifacts_in(step.tool_output)
    card.short = short_result(words_of(step), step.tool_output)
    card.cause = cause_of(told.code) if step.severity else ""
    _set_call_state(card, "failed" if step.severity else "succeeded")
    if told.code in {*TIMEOUT_CODES, "outcome_unknown"}:
        card.suggested_action = visible(error_words(step.suggested_action))
    if told.code in ("stopped", "outcome_unknown"):
        card.undecided = places_of(step)
    if told.code == "denied":
        _set_call_state(card, "denied")
    if told.code == "outcome_unknown":
        _set_call_state(card, "unknown")


def _set_call_state(card: StepView, state: str) -> None:
    words = CALL_STATES[state]
    card.call_state, card.badge = state, CallBadge(state, gettext(words.badge), card.duration, words.icon)
    card.is_open = state in ("failed", "unknown")
    card.icon = words.icon or card.icon


def _add_race(card: StepView, step: Step) -> None:
    card.prose, card.rest = prose_of(step)
    card.race, card.picture = race_of_start(step) or race_of_end(step), pictures.race_of(step)
    if card.is_race_start:
        card.duration = ""  # It is not over.


def _add_attempts(card: StepView, step: Step, told: RetryPayload) -> None:
    attempt, most = step.attempt or 1, step.max_attempts or step.attempt or 1
    card.attempt = "wait" if told.waits_only else "round" if told.is_round else "lane" if told.in_race else "single"
    if told.waits_only:
        attempt = step.attempt or 0  # No attempt was made: the provider asked for this wait before it.
    card.ladder = ["failed"] * attempt + ["left"] * (most - attempt)
    card.race_key, card.failed_lane = race_key(step), failed_lane(step)
    card.cause = cause_of(told.code)
    card.http_status = told.status or None
    card.was_cut_off = told.phase == "stream"
    card.output, card.short = fold_result(step), short_result(words_of(step), None)
    card.is_open = step.call_id is not None and told.next_at is not None
    if told.next_at is not None and (next_at := moment_of(told.next_at)) is not None:
        card.next_at, card.next_ms = next_at, round(told.next_at * 1000)
        card.ladder[attempt : attempt + 1] = ["next"]


def _facts(context: JsonObject) -> list[tuple[str, str]]:
    """The facts in an error's context that help to judge it."""
    facts = [(str(label), visible(str(context[name]))) for name, label in FACTS.items() if context.get(name)]
    if context.get("limit") and isinstance(limit_s := context.get("limit_s"), int | float):
        facts.append((gettext("Limit"), f"{context['limit']}, {duration_text(limit_s)}"))
    return facts
