"""What a filled-in launch form changes: against its agent, or against the run that it is based on."""

from typing import Any, Final

from django.utils.translation import gettext_lazy

from runs.agent.all_settings import LAUNCHED
from runs.models import Run
from runs.web.forms import LaunchForm
from runs.web.prefill import prefill

OPTIONS: Final = ("model", "approval", *(each.public for each in LAUNCHED))
"""The fields of the fold Options."""
_LABELS: Final = {"agent": gettext_lazy("Agent"), "model": gettext_lazy("Model"), "approval": gettext_lazy("Approvals")}


def base_of(earlier: Run | None, *, by: Any) -> dict[str, str]:
    """By field, the text before any change: empty options for an agent, those of the run for a copy."""
    if earlier is None:
        return dict.fromkeys(OPTIONS, "")
    form = LaunchForm(initial=prefill(earlier, "", by=by).initial)
    return {name: _text(form, name) for name in ("agent", *OPTIONS)}


def changed_names(form: LaunchForm, base: dict[str, str]) -> list[str]:
    """The fields that differ from `base`. Their inputs get the attribute that shows it."""
    names = [name for name in base if _text(form, name) != base[name]]
    for name in names:
        form.fields[name].widget.attrs["data-changed"] = ""
    return names


def labels_of(form: LaunchForm, names: list[str]) -> list[str]:
    """The labels of these fields."""
    return [str(_LABELS.get(name) or form[name].label) for name in names]


def options_set(form: LaunchForm) -> int:
    """The number of options that are filled in, valid or not. A temperature of 0 counts."""
    return sum(bool(_text(form, name)) for name in OPTIONS)


def _text(form: LaunchForm, name: str) -> str:
    value = form[name].value()
    return "" if value is None else str(value)
