"""The forms of channels and rules of notifications. What is valid is decided by the control room."""

from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy

from runs.engine.control.notification_channels import NotificationRefused
from runs.engine.control.notification_rules import RuleSettings
from runs.engine.notifications.addresses import TYPED_KINDS
from runs.live.rendering.stored_words import refusal_words
from runs.models import Agent, NotificationChannel, NotificationRule
from runs.models.notification_rule import MAX_ADDRESS_CHARS, MAX_NOTIFICATION_NAME_CHARS
from runs.web.notification_words import wait_words
from runs.web.webhook_form import SCOPES

WAITS_S: Final = (0, 300, 900, 3600, 4 * 3600, 24 * 3600)
"""How long a run waits before that is told, as the form offers it."""
KINDS: Final = [(kind, NotificationChannel.Kind(kind).label) for kind in TYPED_KINDS]
RECIPES: Final[dict[str, dict[str, Any]]] = {
    "failures": {
        "name": gettext_lazy("My failures"),
        "events": ["run.failed", "run.budget_reached", "schedule.stopped"],
    },
    "waits": {"name": gettext_lazy("What waits for me"), "events": ["run.needs_person"], "waits_over_s": 300},
    "ends": {"name": gettext_lazy("Everything that ends"), "events": ["run.completed", "run.failed"]},
}
"""Forms that are filled in, by the name in the address."""


class _RefusableForm(forms.Form):
    """A form that shows why the control room did not take it."""

    FIELDS: dict[str, str] = {}

    def refuse(self, refused: NotificationRefused) -> None:
        """Show the faults at their fields."""
        for name, words in refused.faults.items():
            field = self.FIELDS.get(name, name)
            self.add_error(field or None, refusal_words(ValueError(words)))


class ChannelForm(_RefusableForm):
    """Kind, address and name of a channel. That of a channel that exists has an empty address, which stays."""

    kind = forms.ChoiceField(choices=KINDS, required=False)
    address = forms.CharField(max_length=MAX_ADDRESS_CHARS, required=False)
    name = forms.CharField(label=gettext_lazy("Name"), max_length=MAX_NOTIFICATION_NAME_CHARS, required=False)


class RuleForm(_RefusableForm):
    """What a rule tells, and by which channels of its person."""

    FIELDS = {"is_for_all": "scope"}

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=MAX_NOTIFICATION_NAME_CHARS,
        error_messages={"required": gettext_lazy("Give it a name.")},
    )
    events = forms.MultipleChoiceField(
        choices=NotificationRule.Event.choices, error_messages={"required": gettext_lazy("Choose at least one event.")}
    )
    waits_over_s = forms.TypedChoiceField(coerce=int, required=False)
    agent = forms.ChoiceField(required=False)
    scope = forms.ChoiceField(choices=SCOPES, required=False)
    channels = forms.MultipleChoiceField(required=False)
    in_page = forms.BooleanField(required=False)

    def __init__(self, *arguments: Any, user: Any, wait_s: int = 0, **options: Any) -> None:
        """`wait_s` is offered too, whatever it is."""
        super().__init__(*arguments, **options)
        offered: dict[str, Any] = dict(self.fields)
        waits = sorted({*WAITS_S, wait_s})
        offered["waits_over_s"].choices = [
            (each, wait_words(each) if each else gettext_lazy("at once")) for each in waits
        ]
        agents = Agent.objects.in_use().order_by("name").values_list("pk", "name")
        offered["agent"].choices = [("", gettext_lazy("All agents")), *((str(pk), name) for pk, name in agents)]
        channels = NotificationChannel.objects.filter(user=user)
        offered["channels"].choices = [(str(each.pk), each.name) for each in channels]

    def settings(self, *, is_active: bool = True) -> RuleSettings:
        """What it says. The form is valid."""
        told = self.cleaned_data
        return RuleSettings(
            name=told["name"],
            events=tuple(told["events"]),
            channels=tuple(told["channels"]),
            is_for_all=told["scope"] == "all",
            agent=Agent.objects.filter(pk=told["agent"]).first() if told["agent"] else None,
            waits_over_s=told["waits_over_s"] or 0,
            in_page=told["in_page"],
            is_active=is_active,
        )


def initial_of(rule: NotificationRule) -> dict[str, Any]:
    """What the form of a rule shows at first."""
    return {
        "name": rule.name,
        "events": rule.events,
        "waits_over_s": rule.waits_over_s,
        "agent": "" if rule.agent_id is None else str(rule.agent_id),
        "scope": "all" if rule.is_for_all else "own",
        "channels": [str(pk) for pk in rule.channels.values_list("pk", flat=True)],
        "in_page": rule.in_page,
    }
