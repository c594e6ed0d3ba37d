"""The buttons of an error's card: each opens the launch form filled in from the run, with one change."""

from dataclasses import dataclass

from runs.agent.all_settings import SETTINGS
from runs.agent.errors.remedies import Remedy, remedies_for


@dataclass(frozen=True, slots=True)
class Button:
    """`change` is a limit's name in `RunLimits`, `model`, or `edit` for no change."""

    change: str
    label: str


@dataclass(frozen=True, slots=True)
class ResumeButton:
    """Resumes a failed run, as it is or with twice the limit it reached."""

    label: str = "Resume"
    more: str = ""
    """The limit's name in `RunLimits`; empty for no change."""


EDIT = Button("edit", "Edit and run again")


def buttons_for(code: str) -> list[Button]:
    """The remedies for an error code, most useful first. `EDIT` is always the last."""
    buttons = map(_button, remedies_for(code))
    return [*(button for button in buttons if button != EDIT), EDIT]


def _button(remedy: Remedy) -> Button:
    match remedy.action:
        case "switch_model":
            return Button("model", remedy.label)
        case "edit_and_run_again":
            return EDIT
        case "retry_longer" | "raise_limit":
            return Button(remedy.limit, remedy.label)


def resume_for(code: str) -> ResumeButton:
    """The resume button of a run that failed with this error code."""
    limit = next((remedy.limit for remedy in remedies_for(code) if remedy.limit), "")
    if not limit:
        return ResumeButton()
    return ResumeButton(f"Resume with more {SETTINGS[limit].more}", limit)
