"""The fields of the agent editor."""

import json
from typing import Any, Final

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from runs.agent.all_settings import SETTINGS
from runs.agent.setting import Setting
from runs.agent_configs.setting_fields import ExtraField, JsonField, launch_field
from runs.agent_configs.setting_labels import description_of, empty_words, label_of, unit_words
from runs.models import Agent
from runs.models.bounds import MAX_APPROVAL_SECONDS, MAX_PRIORITY, MAX_RUNS_AT_ONCE

RULE_PREFIX: Final = "rule-"
"""The field of a tool's rule is this and the tool's name."""
DEFAULTS: Final = {
    **{each.agent_column: each.default for each in SETTINGS.values() if not each.empty and each.default is not None},
    "max_attempts": 3,
    "priority": 0,
    "extra_settings": {},
}
"""The values of fields that were left empty, for columns that need one."""
NUMBERS: Final = {
    "max_attempts": (
        gettext_lazy("Attempts at a reply"), 1, 10, gettext_lazy("The first attempt included."),
        gettext_lazy("Default: 3"),
    ),
    "approval_seconds": (
        gettext_lazy("Deadline"), 1, MAX_APPROVAL_SECONDS, gettext_lazy("How long a call waits: 3600 is an hour."),
        gettext_lazy("No deadline"),
    ),
    "priority": (
        gettext_lazy("Priority"), -MAX_PRIORITY, MAX_PRIORITY,
        gettext_lazy("Queued runs of a higher priority are hosted first."), gettext_lazy("Default: 0"),
    ),
    "max_runs_at_once": (
        gettext_lazy("Runs at the same time"), 1, MAX_RUNS_AT_ONCE, gettext_lazy("The others stay queued."),
        gettext_lazy("No limit"),
    ),
}  # fmt: skip
"""Label, least, most, help and placeholder of the numbers that are no settings of a run."""


class ListWidget(forms.Widget):
    """Several inputs of one name: the typed values without surrounding spaces, empty ones left out."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:  # noqa: ARG002  Django's signature
        found = data.getlist(name) if hasattr(data, "getlist") else data.get(name, [])
        return [text.strip() for text in found if text.strip()]

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:  # noqa: ARG002  Django's signature
        return False


class RulesWidget(forms.Widget):
    """One select for each tool: the chosen rules by the tool's name."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> dict[str, str]:  # noqa: ARG002  Django's signature
        sent = ((key, data.get(key)) for key in data if key.startswith(RULE_PREFIX))
        return {key.removeprefix(RULE_PREFIX): rule for key, rule in sent if rule}

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:  # noqa: ARG002  Django's signature
        return False


class PlacedJsonField(JsonField):
    """JSON whose error names the line and the column."""

    def to_python(self, value: Any) -> Any:
        try:
            return super().to_python(value)
        except forms.ValidationError as error:
            if error.code == "invalid" and (place := json_place(str(value))):
                raise forms.ValidationError(place, code="invalid") from error
            raise


def json_place(text: str) -> str:
    """Where and why the text is no JSON, as a sentence; empty if the parser names no place."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        place = {"line": error.lineno, "column": error.colno, "fault": error.msg}
        return _("This is not JSON: line %(line)s, column %(column)s: %(fault)s.") % place
    except (ValueError, RecursionError):
        return ""
    return ""


def editor_field(setting: Setting) -> forms.Field:
    """The editor's field for a setting."""
    if setting.kind == "json":
        field: forms.Field = ExtraField(
            label=label_of(setting),
            required=False,
            help_text=description_of(setting),
            error_messages={"invalid": _('Type a JSON object, such as {"top_k": 40}.')},
        )
    else:
        field = launch_field(setting)
    if isinstance(field, forms.ChoiceField):
        field.choices = [("", _("The provider's default")), *Agent.ReasoningEffort.choices]
    field.help_text = description_of(setting)
    field.widget.attrs["placeholder"] = empty_words(setting)
    return field


def number_field(label: Any, least: int, most: int, help_text: Any, placeholder: Any) -> forms.IntegerField:
    """A whole number within bounds that may be left empty; `placeholder` says what holds then."""
    widget = forms.NumberInput({"inputmode": "numeric", "placeholder": placeholder})
    return forms.IntegerField(
        label=label, min_value=least, max_value=most, required=False, help_text=help_text, widget=widget
    )


def unit_of(setting: Setting) -> str:
    """The unit in a field: `s`, `$`, `turns`; empty for a plain number."""
    signs = {"second": "s", "dollar": "$", "": ""}
    return signs[setting.unit] if setting.unit in signs else unit_words(setting.unit)
