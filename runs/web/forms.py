"""The forms of the pages. Field names are part of the contract."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth.forms import BaseUserCreationForm
from django.contrib.auth.models import User

from runs.agent.limits import TIME_LIMITS
from runs.agent.providers.catalog import model_fault
from runs.agent.providers.names import MAX_NAME_CHARS
from runs.models import Agent
from runs.models.limits import (
    MAX_COST_ALLOWED,
    MAX_SECONDS_ALLOWED,
    MAX_TASK_BYTES,
    MAX_TIME_LIMIT_S,
    MAX_TOKENS_ALLOWED,
    MAX_TURNS_ALLOWED,
    MIN_COST_ALLOWED,
    MIN_TIME_LIMIT_S,
)

if TYPE_CHECKING:
    _UserForm = BaseUserCreationForm[User]
else:  # generic for the type checker only
    _UserForm = BaseUserCreationForm


def checked_task(typed: str) -> str:
    """What somebody typed as a task. Raises `ValidationError` if it is too long."""
    # Browsers send every line end as two characters.
    task = typed.replace("\r\n", "\n")
    size = len(task.encode())
    if size > MAX_TASK_BYTES:
        raise forms.ValidationError(
            f"The task is {size / 1024:.0f} KiB long; at most {MAX_TASK_BYTES // 1024} KiB are taken."
        )
    return task


class CountField(forms.IntegerField):
    """How many of something a run may use up; empty for the agent's own limit."""

    def __init__(self, label: str, unit: str, most: int, *, remark: str = "") -> None:
        super().__init__(
            label=label,
            required=False,
            min_value=1,
            max_value=most,
            widget=forms.NumberInput({"inputmode": "numeric"}),
            error_messages={
                "invalid": f"Type a whole number of {unit}s.",
                "min_value": f"A run needs at least 1 {unit}.",
                "max_value": f"At most {most:,} {unit}s{remark}.",
            },
        )


class MoneyField(forms.DecimalField):
    """What a run may cost; empty for the agent's own limit."""

    def __init__(self, label: str) -> None:
        super().__init__(
            label=label,
            required=False,
            min_value=MIN_COST_ALLOWED,
            max_value=MAX_COST_ALLOWED,
            max_digits=14,
            decimal_places=4,
            widget=forms.NumberInput({"inputmode": "decimal"}),
            error_messages={
                "invalid": "Type an amount in US dollars, such as 0.25.",
                "min_value": f"A limit is at least ${MIN_COST_ALLOWED}.",
                "max_value": f"At most ${MAX_COST_ALLOWED:,}.",
                "max_decimal_places": "At most 4 digits after the point.",
            },
        )


class TimeLimitField(forms.FloatField):
    """How many seconds something is waited for."""

    def __init__(self, label: str) -> None:
        super().__init__(
            label=label,
            required=False,
            min_value=MIN_TIME_LIMIT_S,
            max_value=MAX_TIME_LIMIT_S,
            widget=forms.NumberInput({"inputmode": "decimal"}),
            error_messages={
                "invalid": "Type a number of seconds.",
                "min_value": f"At least {MIN_TIME_LIMIT_S} seconds.",
                "max_value": f"At most {MAX_TIME_LIMIT_S} seconds.",
            },
        )


class LaunchForm(forms.Form):
    """A task, and what it should be done with. Empty limits and an empty model mean the agent's own."""

    task = forms.CharField(error_messages={"required": "Type what the agent should do."})
    agent = forms.ModelChoiceField(
        queryset=Agent.objects.all(),
        to_field_name="name",
        required=False,
        error_messages={"invalid_choice": "There is no agent of that name. Choose one from the list."},
    )
    model = forms.CharField(required=False, max_length=MAX_NAME_CHARS)
    max_turns = CountField("Turns at most", "turn", MAX_TURNS_ALLOWED)
    max_seconds = CountField("Seconds at most", "second", MAX_SECONDS_ALLOWED, remark=", which is a day")
    max_tokens = CountField("Tokens at most", "token", MAX_TOKENS_ALLOWED)
    max_cost_usd = MoneyField("US dollars at most")
    approval = forms.ChoiceField(
        required=False,
        choices=[("", "As the agent says"), *Agent.Approval.choices],
        error_messages={"invalid_choice": "Choose one of the rules on the list."},
    )
    tool_timeout_s = TimeLimitField("A tool call")
    model_timeout_s = TimeLimitField("A reply")
    first_token_timeout_s = TimeLimitField("The first word of a reply")
    idle_timeout_s = TimeLimitField("The next word of a reply")

    def clean_task(self) -> str:
        return checked_task(self.cleaned_data["task"])

    def clean_model(self) -> str:
        model: str = self.cleaned_data["model"]
        fault = model_fault(model) if model else None
        if fault:
            raise forms.ValidationError(fault)
        return model

    def time_limits(self) -> list[forms.BoundField]:
        """The limits on waiting that are set: the form shows no others, an agent has none of its own."""
        return [
            self[name]
            for name in ("tool_timeout_s", "model_timeout_s", "first_token_timeout_s", "idle_timeout_s")
            if self[name].value()
        ]

    def has_limits(self) -> bool:
        """True if any limit is set, rightly or wrongly."""
        limits = [self[name] for name in ("max_turns", "max_seconds", "max_tokens", "max_cost_usd")]
        return any(limit.value() for limit in limits + self.time_limits())

    def overrides(self) -> dict[str, Any]:
        """The keys of the agent's snapshot this launch replaces."""
        limits = ("max_turns", "max_seconds", "max_tokens", *sorted(TIME_LIMITS))
        chosen: dict[str, Any] = {key: self.cleaned_data[key] for key in limits if self.cleaned_data[key]}
        if self.cleaned_data["max_cost_usd"]:
            chosen["max_cost_usd"] = str(self.cleaned_data["max_cost_usd"])
        if self.cleaned_data["approval"]:
            chosen["approval"] = self.cleaned_data["approval"]
        return chosen | ({"models": [self.cleaned_data["model"]]} if self.cleaned_data["model"] else {})


class FollowUpForm(forms.Form):
    """A further message to a run that has ended."""

    message = forms.CharField(error_messages={"required": "Type what should be done next."})

    def clean_message(self) -> str:
        return checked_task(self.cleaned_data["message"])


class FirstUserForm(_UserForm):
    """The first person of a new installation, who may do everything."""

    class Meta:
        model = User
        fields = ("username",)

    def save_superuser(self) -> User:
        """Create the user with every right."""
        user: User = self.save(commit=False)
        user.is_staff = user.is_superuser = True
        user.save()
        return user
