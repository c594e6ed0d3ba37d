"""What is told of a run, in the active language."""

from collections.abc import Callable
from typing import Any, Final

from django.utils.translation import gettext

from runs.agent.output_text import readable
from runs.models import NotificationRule, Run

MAX_TASK_CHARS: Final = 80
MAX_NAME_CHARS: Final = 60
MAX_ERROR_CHARS: Final = 500
ErrorWords = Callable[[str], str]
"""The message of an error in the active language."""
_Event: Final = NotificationRule.Event


def run_title(run: Run, event: str, *, waiting_for: str = "") -> str:
    """One line: who did what, and the beginning of the task. `waiting_for`: what it waited for when it was noted."""
    values = {"name": _name(run), "task": _one_line(run.task, MAX_TASK_CHARS)}
    match event:
        case _Event.COMPLETED if run.could_not:
            words = gettext("%(name)s could not do it: %(task)s")
        case _Event.COMPLETED:
            words = gettext("%(name)s is done: %(task)s")
        case _Event.FAILED:
            words = gettext("%(name)s failed: %(task)s")
        case _Event.CANCELLED:
            words = gettext("%(name)s was stopped: %(task)s")
        case _Event.BUDGET_REACHED:
            words = gettext("%(name)s reached a limit: %(task)s")
        case _ if waiting_for == Run.WaitingFor.APPROVAL:
            words = gettext("%(name)s needs an approval: %(task)s")
        case _ if waiting_for == Run.WaitingFor.ANSWER:
            words = gettext("%(name)s asks a question: %(task)s")
        case _:
            words = gettext("%(name)s waits for a decision: %(task)s")
    return words % values


def run_text(run: Run, event: str, user: Any, error_words: ErrorWords) -> str:
    """Further lines; may be empty. `error_words` translates the message of an error, which is stored in English."""
    lines = []
    if run.user is not None and run.user_id != user.pk:
        lines.append(gettext("Launched by %(user)s.") % {"user": run.user.get_username()})
    if event in (_Event.FAILED, _Event.BUDGET_REACHED) and (message := (run.error or {}).get("message")):
        lines.append(_one_line(error_words(str(message)), MAX_ERROR_CHARS))
    return "\n".join(lines)


def _name(run: Run) -> str:
    name = run.schedule.name if run.schedule is not None else run.config.get("agent") or gettext("A run")
    return _one_line(str(name), MAX_NAME_CHARS)


def _one_line(text: str, most: int) -> str:
    line = " ".join(readable(text[: 4 * most]).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
