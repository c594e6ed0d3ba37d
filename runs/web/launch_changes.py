"""What a filled-in launch form changes: against its agent, or against the run that it is based on."""

import json
from typing import Any, Final

from django.utils.translation import gettext_lazy

from runs.agent.all_settings import LAUNCHED
from runs.models import Run
from runs.web.forms import LaunchForm
from runs.web.prefill import prefill

OPTIONS: Final = ("model", "approval", *(each.public for each in LAUNCHED))
"""The fields of the fold Options."""
_LABELS: Final = {"agent": gettext_lazy("Agent"), "model": gettext_lazy("Model"), "approval": gettext_lazy("Approvals")}


def about_changes(form: LaunchForm, earlier: Run | None, *, by: Any) -> dict[str, Any]:
    """What templates and static/launch.js show of it. Inputs of changed fields get the attribute `data-changed`."""
    base = _base_of(earlier, by=by)
    changed = [name for name in base if _text(form, name) != base[name]]
    for name in changed:
        form.fields[name].widget.attrs["data-changed"] = ""
    number = sum(bool(_text(form, name)) for name in OPTIONS)  # A temperature of 0 counts.
    return {
        "base": json.dumps(base),
        "changed_names": changed,
        "changes": [str(_LABELS.get(name) or form[name].label) for name in changed],
        "options_set": number,
        "options_open": number > 0 or any(form[name].errors for name in OPTIONS),
    }


def _base_of(earlier: Run | None, *, by: Any) -> dict[str, str]:
    """By field, the text before any change: empty options for an agent, those of the run for a copy."""
    if earlier is None:
        return dict.fromkeys(OPTIONS, "")
    form = LaunchForm(initial=prefill(earlier, "", by=by).initial)
    return {name: _text(form, name) for name in ("agent", *OPTIONS)}


def _text(form: LaunchForm, name: str) -> str:
    value = form[name].value()
    return "" if value is None else str(value)
