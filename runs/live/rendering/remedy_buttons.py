"""The buttons of an error: resume, the page of models, or the launch form with one change."""

from dataclasses import dataclass

from django.utils.translation import gettext, gettext_noop

from runs.agent.all_settings import SETTINGS
from runs.agent.errors.remedies import Remedy, remedies_for


@dataclass(frozen=True, slots=True)
class Button:
    """`change` is a limit's name in `RunLimits`, `model`, `edit` for no change, or `models` for the page of models."""

    change: str
    english: str

    @property
    def label(self) -> str:
        """What the button says, in the active language."""
        return gettext(self.english)


@dataclass(frozen=True, slots=True)
class ResumeButton:
    """Resumes a failed run, as it is or with twice the limit it reached."""

    english: str = gettext_noop("Resume")
    more: str = ""
    """The limit's name in `RunLimits`; empty for no change."""

    @property
    def label(self) -> str:
        """What the button says, in the active language."""
        return gettext(self.english)


OPEN_MODELS = Button("models", gettext_noop("Open Models"))
KEY_CODES = {"model_auth", "model_forbidden", "model_out_of_money"}
"""Codes of errors that a person mends at the provider or in the settings: only then is it worth going on."""
EDIT_FIRST = {"bad_output", "invalid_input", "model_refused", "model_blocked"}
SWITCH_FIRST = {"model_context_overflow", "model_no_tools", "model_not_found", "model_wrong_address"}
"""Codes of errors that come again unless the task, or the model, is another one."""
EDIT = Button("edit", gettext_noop("Edit & run again"))


def offers_for(code: str) -> list[Button | ResumeButton]:
    """All buttons for an error code. The first is what helps most probably."""
    resume, others = resume_for(code), buttons_for(code)
    if code in KEY_CODES:
        return [OPEN_MODELS, resume, *others]
    if code in EDIT_FIRST:
        return [EDIT, resume, *(each for each in others if each != EDIT)]
    return [others[0], resume, *others[1:]] if code in SWITCH_FIRST else [resume, *others]


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
    return ResumeButton(SETTINGS[limit].resume_label, limit)
