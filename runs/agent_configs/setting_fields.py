"""Form fields for the settings of a run, built from their declarations. Empty means the agent's own, or the default."""

import json
from copy import deepcopy
from functools import cache
from typing import Any

from django import forms
from django.forms.fields import InvalidJSONInput
from django.utils.translation import get_language, gettext

from runs.agent.all_settings import LAUNCHED
from runs.agent.json_data.json_values import DuplicateName, check_storable_json, check_unique_names
from runs.agent.setting import Setting
from runs.agent_configs.setting_labels import amount_words, help_of, label_of, unit_words
from runs.live.rendering.formatting import dollars_in
from runs.models import Agent
from runs.models.bounds import ValueCheck


class CountField(forms.IntegerField):
    """A limit that is a count."""

    def __init__(self, setting: Setting) -> None:
        bounds: Any = {"min_value": setting.least, "max_value": setting.most}
        most = amount_words(setting.most or 0, setting.unit)
        in_words = gettext("At most %(amount)s, which is %(words)s.") if setting.most_in_words else ""
        super().__init__(
            label=label_of(setting),
            required=False,
            widget=forms.NumberInput({"inputmode": "numeric"}),
            **bounds,
            error_messages={
                "invalid": _no_whole_number(setting),
                "min_value": gettext("A run needs at least %(amount)s.")
                % {"amount": amount_words(setting.least or 0, setting.unit)},
                "max_value": (in_words or gettext("At most %(amount)s."))
                % {"amount": most, "words": gettext(setting.most_in_words) if in_words else ""},
            },
        )


class MoneyField(forms.DecimalField):
    """A limit on the cost, in US dollars."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(
            label=label_of(setting),
            required=False,
            min_value=setting.least,
            max_value=setting.most,
            max_digits=14,
            decimal_places=4,
            widget=forms.NumberInput({"inputmode": "decimal"}),
            error_messages={
                "invalid": gettext("Type an amount in US dollars, such as 0.25."),
                "min_value": gettext("A limit is at least %(amount)s.") % {"amount": dollars_in(f"{setting.least}")},
                "max_value": gettext("At most %(amount)s.") % {"amount": dollars_in(f"{setting.most:,}")},
                "max_decimal_places": gettext("At most 4 digits after the point."),
            },
        )


class TimeoutField(forms.FloatField):
    """A timeout, in seconds."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(
            label=label_of(setting),
            required=False,
            validators=[ValueCheck(setting.name)],
            widget=forms.NumberInput({"inputmode": "decimal", "min": setting.least, "max": setting.most}),
            error_messages={"invalid": gettext("Type a number of seconds, such as 90 or 2.5.")},
        )


class SamplingField(forms.FloatField):
    """A sampling setting, such as the temperature."""

    def __init__(self, setting: Setting) -> None:
        bounds = {"min": setting.least, "max": setting.most, "step": setting.step}
        super().__init__(
            label=label_of(setting),
            required=False,
            validators=[ValueCheck(setting.name)],
            help_text=help_of(setting),
            widget=forms.NumberInput({"inputmode": "decimal", **bounds}),
            error_messages={"invalid": gettext("Type a number with a point, such as 0.7.")},
        )


class OutputField(forms.IntegerField):
    """The maximum length of a reply, in tokens."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(
            label=label_of(setting),
            required=False,
            validators=[ValueCheck(setting.name)],
            help_text=help_of(setting),
            widget=forms.NumberInput({"inputmode": "numeric", "min": setting.least, "max": setting.most}),
            error_messages={"invalid": _no_whole_number(setting)},
        )


class JsonField(forms.JSONField):
    """JSON as typed by hand; empty for no value."""

    widget = forms.Textarea(attrs={"class": "json", "rows": 4, "spellcheck": "false"})

    def to_python(self, value: Any) -> Any:
        # The JSON parser raises these for numbers with thousands of digits and for deep nesting.
        try:
            read = super().to_python(value)
            if read is not None and isinstance(value, str):
                check_unique_names(value)
            return read
        except DuplicateName as twice:
            raise forms.ValidationError(f"{twice}.", code="twice") from twice
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid") from error

    def validate(self, value: Any) -> None:
        super().validate(value)
        try:
            check_storable_json(value)
        except ValueError as fault:
            raise forms.ValidationError(f"{fault}.") from fault

    def bound_data(self, data: Any, initial: Any) -> Any:
        # The text as typed: the parsed value may not be displayable, such as half of a surrogate pair.
        return initial if self.disabled else None if data is None else InvalidJSONInput(data)

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, InvalidJSONInput):
            return value
        return "" if value in (None, [], {}) else json.dumps(value, indent=2, ensure_ascii=False)


class ExtraField(JsonField):
    """Members that are added to every request to a model."""

    def validate(self, value: Any) -> None:
        ValueCheck("extra")(value)


class LaunchExtraField(ExtraField):
    """The extra members of one launch. An empty object means none, whatever the agent has."""

    widget = forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "autocapitalize": "none", "autocomplete": "off"})

    def __init__(self, setting: Setting) -> None:
        super().__init__(
            label=label_of(setting),
            required=False,
            help_text=help_of(setting),
            error_messages={"invalid": gettext('Type a JSON object, such as {"top_k": 40}.')},
        )

    def prepare_value(self, value: Any) -> Any:
        return "{}" if value == {} else super().prepare_value(value)


class EffortField(forms.ChoiceField):
    """The reasoning effort."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(
            label=label_of(setting),
            required=False,
            choices=[("", gettext("Agent's default")), *Agent.ReasoningEffort.choices],
            error_messages={"invalid_choice": gettext("Choose one of the efforts on the list.")},
        )


def launch_fields() -> dict[str, forms.Field]:
    """The launch form's fields for the settings of a run, by name, in the reader's language."""
    # A copy takes a quarter of the time; a launch would spend a tenth of its own on words that it does not show.
    return {name: deepcopy(field) for name, field in _fields_in(get_language()).items()}


@cache  # A reader's language is one of the few that the site has.
def _fields_in(_language: str | None) -> dict[str, forms.Field]:
    return {setting.public: launch_field(setting) for setting in LAUNCHED}


def launch_field(setting: Setting) -> forms.Field:
    """The launch form's field for a setting."""
    field: forms.Field
    match setting.kind:
        case "count":
            field = OutputField(setting) if setting.group == "model" else CountField(setting)
        case "money":
            field = MoneyField(setting)
        case "seconds":
            field = TimeoutField(setting)
        case "number":
            field = SamplingField(setting)
        case "choice":
            return EffortField(setting)
        case "json":
            return LaunchExtraField(setting)
    return field


def _no_whole_number(setting: Setting) -> str:
    return gettext("Type a whole number of %(units)s.") % {"units": unit_words(setting.unit)}
