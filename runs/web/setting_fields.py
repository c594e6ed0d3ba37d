"""Form fields for the settings of a model and for time limits. Empty means the agent's own, or the default."""

import json
from typing import Any

from django import forms
from django.forms.fields import InvalidJSONInput

from runs.agent.model_settings import MAX_OUTPUT_TOKENS_ALLOWED, MAX_TEMPERATURE
from runs.models import Agent
from runs.models.limits import MAX_TIME_LIMIT_S, MIN_TIME_LIMIT_S, ValueCheck
from runs.storable import storable_json


class TimeLimitField(forms.FloatField):
    """How many seconds something is waited for."""

    def __init__(self, name: str, label: str) -> None:
        bounds = {"min": MIN_TIME_LIMIT_S, "max": MAX_TIME_LIMIT_S}
        super().__init__(
            label=label,
            required=False,
            validators=[ValueCheck(name)],
            widget=forms.NumberInput({"inputmode": "decimal", **bounds}),
            error_messages={"invalid": "Type a number of seconds, such as 90 or 2.5."},
        )


class SamplingField(forms.FloatField):
    """How freely a model chooses its words."""

    def __init__(self, name: str, label: str, *, most: float, step: float, hint: str) -> None:
        super().__init__(
            label=label,
            required=False,
            validators=[ValueCheck(name)],
            help_text=hint,
            widget=forms.NumberInput({"inputmode": "decimal", "min": 0, "max": most, "step": step}),
            error_messages={"invalid": "Type a number with a point, such as 0.7."},
        )


class OutputField(forms.IntegerField):
    """How long a reply may become."""

    def __init__(self) -> None:
        super().__init__(
            label="Largest reply, in tokens",
            required=False,
            validators=[ValueCheck("max_output_tokens")],
            help_text="Reasoning included.",
            widget=forms.NumberInput({"inputmode": "numeric", "min": 1, "max": MAX_OUTPUT_TOKENS_ALLOWED}),
            error_messages={"invalid": "Type a whole number of tokens."},
        )


class JsonField(forms.JSONField):
    """JSON as somebody would write it by hand; an empty box for nothing."""

    widget = forms.Textarea(attrs={"class": "json", "rows": 4, "spellcheck": "false"})

    def to_python(self, value: Any) -> Any:
        # Of numbers with thousands of digits and of what is nested thousands deep Python's reader says so otherwise.
        try:
            return super().to_python(value)
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid") from error

    def validate(self, value: Any) -> None:
        super().validate(value)
        try:
            storable_json(value)
        except ValueError as fault:
            raise forms.ValidationError(f"{fault}.") from fault

    def bound_data(self, data: Any, initial: Any) -> Any:
        # As it was typed, which may be more than a page can show once it is read: half of a surrogate pair.
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
    """Those of one launch. An empty object is a choice: none, whatever the agent has."""

    widget = forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "autocapitalize": "none", "autocomplete": "off"})

    def __init__(self) -> None:
        super().__init__(
            label="Further settings, as JSON",
            required=False,
            help_text='Added to every request as they are, for what a server wants beyond: {"top_k": 40}.',
            error_messages={"invalid": 'Type a JSON object, such as {"top_k": 40}.'},
        )

    def prepare_value(self, value: Any) -> Any:
        return "{}" if value == {} else super().prepare_value(value)


class EffortField(forms.ChoiceField):
    """How much a model thinks before it answers."""

    def __init__(self) -> None:
        super().__init__(
            label="Reasoning effort",
            required=False,
            choices=[("", "As the agent says"), *Agent.ReasoningEffort.choices],
            error_messages={"invalid_choice": "Choose one of the efforts on the list."},
        )


def temperature_field() -> SamplingField:
    """For the launch form."""
    hint = "From 0 (the likeliest words) to 2. Models that reason refuse it."
    return SamplingField("temperature", "Temperature", most=MAX_TEMPERATURE, step=0.1, hint=hint)


def top_p_field() -> SamplingField:
    """For the launch form."""
    return SamplingField("top_p", "Top p", most=1, step=0.05, hint="Above 0, at most 1. Not with a temperature.")
