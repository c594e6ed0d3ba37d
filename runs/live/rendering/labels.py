"""The words, icons and tones of a run's status, and of the severity of an error."""

from dataclasses import dataclass
from typing import Literal

from django.utils.translation import gettext

from runs.models import Run

Tone = Literal["", "run", "you", "ok", "error"]
"""Who has to act: the machine, a person, nobody any more (`ok`, `error`); empty for a run that stands still."""


@dataclass(frozen=True, slots=True)
class Label:
    """A label with its icon: colour alone says nothing."""

    icon: str
    words: str
    tone: Tone = ""
    state: str = ""
    """The value of `data-status`: the run's status, or `could_not`."""

    @property
    def tab_icon(self) -> str:
        """The static file of a tab's icon, with a dot in the tone."""
        return f"icons/{self.tone or 'still'}.svg"


_STATUS: dict[str, tuple[str, Tone]] = {
    Run.Status.IDLE: ("circle-dashed", ""),
    Run.Status.THINKING: ("brain", "run"),
    Run.Status.EXECUTING: ("wrench", "run"),
    Run.Status.WAITING: ("hourglass", "you"),
    Run.Status.COMPLETED: ("circle-check", "ok"),
    Run.Status.FAILED: ("circle-x", "error"),
    Run.Status.CANCELLED: ("circle-slash", ""),
}
_COULD_NOT_ICON = "circle-minus"
_WAITS: dict[str, tuple[str, Tone]] = {
    Run.WaitingFor.APPROVAL: ("hand", "you"),
    Run.WaitingFor.DECISION: ("circle-question-mark", "you"),
    Run.WaitingFor.ANSWER: ("message-circle-question-mark", "you"),
    Run.WaitingFor.RETRY: ("refresh-cw", "run"),
    Run.WaitingFor.RESUME: ("pause", ""),
    Run.WaitingFor.CHILD: ("workflow", "run"),
}
"""By status, and by what a waiting run waits for: icon and tone. The words are those of the model."""
_SEVERITY_ICONS = {
    Run.Severity.INFO: "info",
    Run.Severity.WARNING: "triangle-alert",
    Run.Severity.ERROR: "circle-x",
    Run.Severity.CRITICAL: "octagon-x",
}
_TAB_MARKS: dict[str, str] = {
    Run.Status.COMPLETED: "✓",
    Run.Status.FAILED: "✗",
    Run.WaitingFor.APPROVAL: "⚠",
    Run.WaitingFor.DECISION: "⚠",
    Run.WaitingFor.ANSWER: "⚠",
    Run.WaitingFor.RETRY: "⟳",
}
"""The sign before a run's title in a tab, where there is no room for its label."""


def status_label(run: Run) -> Label:
    """The label of a run's status, with what it waits for and a requested stop or pause. `run.attempt`, if a query has
    set it, is the attempt that failed: `2/5`."""
    if run.could_not:
        return Label(_COULD_NOT_ICON, run.stands, state="could_not")
    icon, tone = _WAITS.get(run.waiting_for) or _STATUS[Run.Status(run.status)]
    if run.cancel_requested_at and not run.is_finished:
        return Label(icon, gettext("Stopping…"), tone, run.status)
    if run.pause_requested_at and run.owner:
        return Label(icon, gettext("Pausing…"), tone, run.status)
    attempt = getattr(run, "attempt", "") if run.waiting_for == Run.WaitingFor.RETRY else ""
    return Label(icon, f"{run.stands} {attempt}".strip(), tone, run.status)


def tab_mark(run: Run) -> str:
    """The sign before the run's title in a tab; empty while it works."""
    return "–" if run.could_not else _TAB_MARKS.get(run.waiting_for or run.status, "")


def severity_label(severity: str) -> Label:
    """The label of a severity value."""
    known = Run.Severity(severity)
    return Label(_SEVERITY_ICONS[known], str(known.label))
