"""The texts and icons of a call's states, questions, decisions and outcomes."""

from dataclasses import dataclass
from typing import Final

from runs.agent.marked_words import words
from runs.agent.payloads.steps import CallBesideState


@dataclass(frozen=True, slots=True, kw_only=True)
class CallWords:
    """The texts for one state of a call."""

    label: str
    """Label in lists and sentences."""
    badge: str
    """Badge on its card; in lower case in the report of a stop."""
    progress: CallBesideState
    """Progress beside the other calls of its turn, as stored in results: a key of `PROGRESS`."""
    icon: str = ""
    """Icon of the state in the call's row."""


CALL_STATES: Final[dict[str, CallWords]] = {
    "proposed": CallWords(label=words("Proposed"), badge=words("Waiting"), progress="waiting", icon="clock"),
    "awaiting_approval": CallWords(
        label=words("Awaiting approval"), badge=words("Needs approval"), progress="waiting", icon="hand"
    ),
    "awaiting_answer": CallWords(
        label=words("Awaiting an answer"),
        badge=words("Needs an answer"),
        progress="waiting",
        icon="message-circle-question-mark",
    ),
    "awaiting_child": CallWords(
        label=words("Awaiting a child run"), badge=words("Waits for a run"), progress="waiting", icon="workflow"
    ),
    "approved": CallWords(label=words("Approved"), badge=words("Approved"), progress="waiting", icon="check"),
    "denied": CallWords(label=words("Denied"), badge=words("Denied"), progress="denied", icon="ban"),
    "started": CallWords(label=words("Started"), badge=words("Running"), progress="running", icon="loader-circle"),
    "succeeded": CallWords(label=words("Succeeded"), badge=words("Done"), progress="succeeded", icon="check"),
    "failed": CallWords(label=words("Failed"), badge=words("Failed"), progress="failed", icon="x"),
    "unknown": CallWords(
        label=words("Outcome unknown"), badge=words("Outcome unknown"), progress="unknown", icon="circle-question-mark"
    ),
}
"""By the state of the call's row."""

PROGRESS: Final[dict[str, str]] = {
    "waiting": words("waiting"),
    "denied": words("denied"),
    "running": words("running"),
    "succeeded": "",
    "failed": words("failed"),
    "timeout": words("timed out"),
    "unknown": words("outcome unknown"),
}
"""The text beside a call's bar; empty for success, where the duration is shown."""


@dataclass(frozen=True, slots=True)
class QuestionWords:
    """A question to a person about a call, or the answer."""

    state: str
    """The state of the call, a key of `CALL_STATES`."""
    title: str


QUESTIONS: Final[dict[str, QuestionWords]] = {
    "approval": QuestionWords("awaiting_approval", words("Approval needed")),
    "outcome": QuestionWords("unknown", words("Outcome unknown")),
    "answer": QuestionWords("awaiting_answer", words("A question for you")),
}
"""By the kind of question."""

DECISIONS: Final[dict[str, QuestionWords]] = {
    "approved": QuestionWords("approved", words("Approved")),
    "denied": QuestionWords("denied", words("Denied")),
    "undone": QuestionWords("awaiting_approval", words("Approval taken back")),
    "happened": QuestionWords("succeeded", words("Confirmed: it happened")),
    "run_again": QuestionWords("approved", words("Runs again")),
    "answered": QuestionWords("proposed", words("Answered")),
    "not_answered": QuestionWords("failed", words("Not answered in time")),
}
"""By the decision of a person or of the agent's rule."""

STOP_OUTCOMES: Final[dict[str, str]] = {
    "not_started": words("it had not started"),
    "awaited_child": words("it waited for its child run"),
    "no_effect": words("it changes nothing"),
    "unknown": words("it may or may not have happened"),
}
"""The effect of a stopped call, as a clause: not started, waiting for a child run, without effect, or unknown."""
STOP_CLAUSES: Final[dict[str, str]] = {
    "not_started": words("which had not started"),
    "awaited_child": words("which waited for its child run"),
    "no_effect": words("which changes nothing"),
    "unknown": words("which may or may not have happened"),
}
"""The same as a relative clause after the name of the call."""
