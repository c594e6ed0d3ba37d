"""The form of a webhook."""

from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy

from runs.engine.control import WebhookRefused, WebhookSettings
from runs.engine.control.webhooks import MAX_NAME_CHARS
from runs.engine.webhooks.receivers import MAX_URL_CHARS
from runs.live.rendering.stored_words import refusal_words
from runs.models import Webhook

SCOPES: Final = (
    ("own", gettext_lazy("Of my runs")),
    ("all", gettext_lazy("Of everybody's runs")),
)


class WebhookForm(forms.Form):
    """Name, address, events and scope of a webhook. What is valid is decided by the control room."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=MAX_NAME_CHARS,
        error_messages={"required": gettext_lazy("Give it a name.")},
    )
    url = forms.CharField(
        max_length=MAX_URL_CHARS,
        error_messages={"required": gettext_lazy("Type an address such as https://example.org/hook.")},
    )
    event_types = forms.MultipleChoiceField(
        choices=Webhook.EventType.choices,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": gettext_lazy("Choose at least one event.")},
    )
    scope = forms.ChoiceField(choices=SCOPES, required=False)
    includes_answer = forms.BooleanField(required=False)

    @classmethod
    def of(cls, webhook: Webhook) -> "WebhookForm":
        """The form with the settings of a webhook."""
        about: dict[str, Any] = {name: getattr(webhook, name) for name in ("name", "url", "event_types")}
        scope = "all" if webhook.is_for_all else "own"
        return cls(initial=about | {"scope": scope, "includes_answer": webhook.includes_answer})

    def settings(self) -> WebhookSettings:
        """What it says. The form is valid."""
        told = self.cleaned_data
        return WebhookSettings(
            name=told["name"],
            url=told["url"],
            event_types=tuple(told["event_types"]),
            is_for_all=told["scope"] == "all",
            includes_answer=told["includes_answer"],
        )

    def refuse(self, refused: WebhookRefused) -> None:
        """Show why the control room did not take it."""
        for name, words in refused.faults.items():
            field = {"is_for_all": "scope", "": None}.get(name, name)
            self.add_error(field, refusal_words(ValueError(words)))
