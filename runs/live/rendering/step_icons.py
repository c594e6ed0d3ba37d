"""The icons of steps and of the stage."""

from runs.agent.tool_calls.call_states import CALL_STATES
from runs.models import Step

ICONS = {
    Step.Kind.REASONING: "brain",
    Step.Kind.TOOL_CALL: "wrench",
    Step.Kind.TOOL_RESULT: "corner-down-right",
    Step.Kind.ANSWER: "message-square-text",
    Step.Kind.RETRY: "rotate-cw",
    Step.Kind.RACE: "git-fork",
    Step.Kind.ERROR: "triangle-alert",
    Step.Kind.APPROVAL: "hand",
    Step.Kind.MESSAGE: "message-square-reply",
    Step.Kind.NOTE: "info",
}
"""Names of lucide icons."""
NOTE_ICONS = {
    "interrupted": "pause",
    "pause_asked": "pause",
    "paused": "pause",
    "resumed": "play",
    "cancel_asked": "hand",
    "cancelled": "octagon-x",
    "window": "eye-off",
    "dropped_thoughts": "eye-off",
    "ending": "scissors",
    "missing_tools": "wrench",
    "without_tools": "wrench",
    "bad_output": "circle-x",
    "child": "workflow",
    "so_far": "message-square-text",
    "unfinished": "message-square-dashed",
}
"""Icons of notes, by their payload's `note`."""
STAGE_ICONS = {"circle-check", "circle-dashed", "circle-minus", "circle-slash", "circle-x", "refresh-cw"}
"""Icons of the stage's faces, beside those of cards."""
CALL_ICONS = {words.icon for words in CALL_STATES.values() if words.icon}
ALL_ICONS = sorted(
    {*ICONS.values(), *NOTE_ICONS.values(), *CALL_ICONS, *STAGE_ICONS, "copy", "lightbulb", "maximize-2", "panel-right"}
)
"""Every icon a card or the stage may use."""
