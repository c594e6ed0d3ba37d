"""Icons (lucide names) and labels for the status of a run and the severity of an error."""

from dataclasses import dataclass

from runs.models import Run


@dataclass(frozen=True, slots=True)
class Label:
    """A label with its icon: colour alone says nothing."""

    icon: str
    words: str
    state: str = ""
    """The value of `data-status`, which gives it its colour."""


_STATUS_ICONS = {
    Run.Status.IDLE: "circle-dashed",
    Run.Status.THINKING: "brain",
    Run.Status.EXECUTING: "wrench",
    Run.Status.WAITING: "hourglass",
    Run.Status.COMPLETED: "circle-check",
    Run.Status.FAILED: "circle-x",
    Run.Status.CANCELLED: "circle-slash",
}
_COULD_NOT_ICON = "circle-minus"
_WAIT_ICONS: dict[str, str] = {
    Run.WaitingFor.APPROVAL: "hand",
    Run.WaitingFor.DECISION: "circle-question-mark",
    Run.WaitingFor.RETRY: "refresh-cw",
    Run.WaitingFor.RESUME: "pause",
}
_SEVERITY_ICONS = {
    Run.Severity.INFO: "info",
    Run.Severity.WARNING: "triangle-alert",
    Run.Severity.ERROR: "circle-x",
    Run.Severity.CRITICAL: "octagon-x",
}


def status_label(run: Run) -> Label:
    """The label of a run's status, with what it waits for and a requested stop or pause."""
    icon = _STATUS_ICONS[Run.Status(run.status)]
    if run.could_not:
        return Label(_COULD_NOT_ICON, run.stands, "could_not")
    if run.cancel_requested_at and not run.is_finished:
        return Label(icon, "Stopping", run.status)
    if run.pause_requested_at and run.owner:
        return Label(icon, "Pausing", run.status)
    return Label(_WAIT_ICONS.get(run.waiting_for, icon), run.stands, run.status)


def severity_label(severity: str) -> Label:
    """The label of a severity value."""
    known = Run.Severity(severity)
    return Label(_SEVERITY_ICONS[known], str(known.label))
