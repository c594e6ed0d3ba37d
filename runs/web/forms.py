"""The forms of the pages. Field names are a contract with templates, scripts and tests."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth.forms import BaseUserCreationForm
from django.contrib.auth.models import User
from django.utils.translation import gettext, gettext_lazy

from runs.agent.all_settings import LAUNCHED
from runs.agent.json_data.json_types import JsonObject
from runs.agent.providers.model_catalog.catalog import model_fault
from runs.agent.providers.model_catalog.model_names import MAX_NAME_CHARS
from runs.agent.setting import Group
from runs.agent_configs.setting_fields import launch_fields
from runs.live.rendering.stored_words import error_words
from runs.models import Agent
from runs.models.agent_label import MAX_AGENT_CHARS
from runs.models.bounds import MAX_TASK_BYTES

if TYPE_CHECKING:
    _UserForm = BaseUserCreationForm[User]
else:  # generic for the type checker only
    _UserForm = BaseUserCreationForm


def checked_task(typed: str) -> str:
    """A typed task with LF line ends. Raises `ValidationError` if it is too long."""
    # Browsers send line ends as CR LF.
    task = typed.replace("\r\n", "\n")
    size = len(task.encode())
    if size > MAX_TASK_BYTES:
        words = gettext("The task is %(size)s KiB long; at most %(most)s KiB are taken.")
        raise forms.ValidationError(words % {"size": f"{size / 1024:.0f}", "most": MAX_TASK_BYTES // 1024})
    return task


class LaunchForm(forms.Form):
    """A task and its settings. Empty limits and an empty model mean the agent's own."""

    task = forms.CharField(error_messages={"required": gettext_lazy("Type what the agent should do.")})
    agent = forms.ModelChoiceField(
        queryset=Agent.objects.in_use(),
        to_field_name="name",
        required=False,
        error_messages={"invalid_choice": gettext_lazy("There is no agent of that name. Choose one from the list.")},
    )
    version = forms.CharField(required=False, max_length=MAX_AGENT_CHARS)
    model = forms.CharField(required=False, max_length=MAX_NAME_CHARS)
    approval = forms.ChoiceField(
        required=False,
        choices=[("", gettext_lazy("Agent's default")), *Agent.Approval.choices],
        error_messages={"invalid_choice": gettext_lazy("Choose one of the rules on the list.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields |= launch_fields()

    def clean_task(self) -> str:
        return checked_task(self.cleaned_data["task"])

    def clean_version(self) -> str:
        """The number or the label. The value names the agent too: without scripts the choices stay those of the agent
        that was chosen before."""
        name, _at, version = self.cleaned_data["version"].rpartition("@")
        agent = self.cleaned_data.get("agent")
        if name and agent is not None and agent.name != name:
            self.add_error("agent", gettext("The version is one of %(agent)s. Choose it again.") % {"agent": name})
        return str(version)

    def clean_model(self) -> str:
        model: str = self.cleaned_data["model"]
        fault = model_fault(model) if model else None
        if fault:
            raise forms.ValidationError(error_words(fault))
        return model

    def limits(self) -> list[forms.BoundField]:
        """The fields of the run's limits."""
        return self._fields_of("limits")

    def timeouts(self) -> list[forms.BoundField]:
        """The fields of the timeouts, in the order of a request."""
        return self._fields_of("timeouts")

    def _fields_of(self, group: Group) -> list[forms.BoundField]:
        return [self[setting.public] for setting in LAUNCHED if setting.group == group]

    def overrides(self) -> JsonObject:
        """The keys of the agent's snapshot that this launch replaces."""
        chosen: JsonObject = {
            setting.name: setting.as_json(value)
            for setting in LAUNCHED
            if (value := self.cleaned_data.get(setting.public)) not in (None, "")
        }
        if self.cleaned_data.get("approval"):
            chosen["approval"] = self.cleaned_data["approval"]
        return chosen | ({"models": [self.cleaned_data["model"]]} if self.cleaned_data.get("model") else {})


class FollowUpForm(forms.Form):
    """A message in a thread. Without an agent it is for that of the run before."""

    agent = forms.ModelChoiceField(
        queryset=Agent.objects.in_use(),
        to_field_name="name",
        required=False,
        error_messages={"invalid_choice": gettext_lazy("There is no agent of that name. Choose one from the list.")},
    )
    message = forms.CharField(error_messages={"required": gettext_lazy("Type what should be done next.")})

    def clean_message(self) -> str:
        return checked_task(self.cleaned_data["message"])


class MessageForm(forms.Form):
    """A message to a run in progress."""

    text = forms.CharField(error_messages={"required": gettext_lazy("Type what the agent should know.")})
    interrupt = forms.BooleanField(required=False)


def agent_names() -> list[str]:
    """The names of the agents to choose from, the default one first."""
    return list(Agent.objects.in_use().order_by("-is_default", "name").values_list("name", flat=True))


class FirstUserForm(_UserForm):
    """The first user of a new installation, a superuser."""

    class Meta:
        model = User
        fields = ("username",)

    def validate_password_for_user(self, user: Any, password_field_name: str = "password1") -> None:  # noqa: S107  a field's name
        """Add password errors to the first of the two fields."""
        super().validate_password_for_user(user, password_field_name)  # type: ignore[misc]  # the hints lack it

    def save_superuser(self) -> User:
        """Create the user as a superuser."""
        user: User = self.save(commit=False)
        user.is_staff = user.is_superuser = True
        user.save()
        return user
