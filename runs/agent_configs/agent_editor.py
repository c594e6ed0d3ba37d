"""The editor of an agent: a form with one real field for each part of the configuration."""

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Final

from django import forms
from django.db import transaction
from django.forms.utils import ErrorDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from runs.agent.all_settings import SETTINGS
from runs.agent.providers.model_catalog.model_names import name_fault
from runs.agent.structured_output import schema_fault
from runs.agent.tools.registry import registered_tools
from runs.agent_configs.agent_editor_fields import (
    DEFAULTS,
    NUMBERS,
    ListWidget,
    PlacedJsonField,
    RulesWidget,
    editor_field,
    number_field,
)
from runs.agent_configs.name_checks import checked_agents, checked_skills, tools_with_rules
from runs.live.rendering.stored_words import error_words
from runs.models import Agent, Library
from runs.models.agent_version import MAX_MESSAGE_CHARS
from runs.models.permissions import may_change_agents

if TYPE_CHECKING:
    _AgentModelForm = forms.ModelForm[Agent]
else:  # generic for the type checker only
    _AgentModelForm = forms.ModelForm

MAX_MODELS: Final = 20
TOOL_CHOICES: Final = (
    ("all", gettext_lazy("All tools, also those that are added later")),
    ("chosen", gettext_lazy("Only these")),
    ("none", gettext_lazy("No tools: no request names one, for models that take none")),
)
APPROVALS: Final = (
    (Agent.Approval.NEVER, gettext_lazy("Nothing: every call runs at once")),
    (Agent.Approval.UNSAFE, gettext_lazy("Tools that change things outside")),
    (Agent.Approval.ALWAYS, gettext_lazy("Every tool")),
)
EXPIRIES: Final = (
    (Agent.OnExpiry.DENY, gettext_lazy("Deny the call; the agent is told and goes on")),
    (Agent.OnExpiry.APPROVE, gettext_lazy("Approve the call; it runs although nobody has looked")),
)


class ChangedMeanwhile(Exception):
    """Another person has saved the agent since the form was opened."""


class AgentEditor(_AgentModelForm):
    """An agent as typed. Model names, tools, rules and schemas are checked, so that no run fails because of a typo."""

    model_names = forms.Field(widget=ListWidget, required=False)
    tool_choice = forms.ChoiceField(choices=TOOL_CHOICES)
    tools = forms.Field(widget=ListWidget, required=False)
    libraries = forms.Field(widget=ListWidget, required=False)
    skills = forms.Field(widget=ListWidget, required=False)
    agents = forms.Field(widget=ListWidget, required=False)
    tool_approvals = forms.Field(widget=RulesWidget, required=False)
    strategy = forms.ChoiceField(choices=Agent.Strategy.choices)
    approval = forms.ChoiceField(choices=APPROVALS)
    on_approval_expiry = forms.ChoiceField(choices=EXPIRIES)
    launch_may_raise = forms.MultipleChoiceField(
        required=False, choices=Agent.MayRaise.choices, widget=forms.CheckboxSelectMultiple
    )

    message = forms.CharField(
        label=gettext_lazy("What has changed"),
        required=False,
        max_length=MAX_MESSAGE_CHARS,
        help_text=gettext_lazy("One line for the list of versions."),
    )

    class Meta:
        model = Agent
        fields = (
            "name", "description", "instructions", "model_names", "strategy", "tools", "libraries", "skills",
            "agents",
            "tool_approvals", *(each.agent_column for each in SETTINGS.values()), "output_schema", "max_attempts",
            "approval", "approval_seconds", "on_approval_expiry", "launch_may_raise", "priority",
            "max_runs_at_once", "is_default",
        )  # fmt: skip
        labels: ClassVar = {"output_schema": gettext_lazy("JSON Schema of the answer")}
        help_texts: ClassVar = {
            "name": "",
            "description": gettext_lazy("One line for people who choose an agent."),
            "instructions": gettext_lazy("What its models are told before the task."),
            "output_schema": gettext_lazy(
                "Draft 2020-12; empty for an answer in text. An answer that does not fit is asked for again."
            ),
        }
        field_classes: ClassVar = {"output_schema": PlacedJsonField}
        error_messages: ClassVar = {
            "name": {
                "required": gettext_lazy("Give the agent a name."),
                "unique": gettext_lazy("Another agent has this name. Choose another one."),
            }
        }

    def __init__(self, *args: Any, by: Any, beside: Collection[str] = (), **kwargs: Any) -> None:
        """`by` is the user, who decides whether the default agent can be chosen here; None is the command line.
        `beside` are the names of agents that are saved together with this one."""
        self._beside, self._by = beside, by
        # Without an instance, a form knows no defaults of the columns.
        super().__init__(*args, **{"instance": Agent()} | kwargs)
        self.fields |= {each.agent_column: editor_field(each) for each in SETTINGS.values()}
        self.fields |= {name: number_field(*bounds) for name, bounds in NUMBERS.items()}
        if by is not None and not may_change_agents(by):
            del self.fields["is_default"]
        for name, value in self.initial.items():
            if isinstance(value, Decimal):
                self.initial[name] = f"{value.normalize():f}"
            elif name in DEFAULTS and value == DEFAULTS[name]:
                self.initial[name] = None  # The placeholder names the default.
        tools = self.instance.tools
        self.initial.setdefault("tool_choice", "all" if tools is None else "chosen" if tools else "none")

    def show_unchecked(self) -> None:
        """Show what was typed without errors: a row was added, moved or tested, and nothing is saved."""
        self._errors = ErrorDict()

    def clean_model_names(self) -> list[str]:
        names: list[str] = self.cleaned_data["model_names"]
        if not names:
            raise forms.ValidationError(_("Choose at least one model. “offline” works without a key."))
        if len(names) > MAX_MODELS:
            raise forms.ValidationError(_("At most %(most)s models.") % {"most": MAX_MODELS})
        if faults := [error_words(fault) for name in names if (fault := name_fault(name))]:
            raise forms.ValidationError(faults)
        return names

    def clean_libraries(self) -> list[str]:
        names: list[str] = self.cleaned_data["libraries"]
        known = set(Library.objects.values_list("name", flat=True))
        if unknown := [name for name in names if name not in known]:
            raise forms.ValidationError(_("No such library: %(names)s.") % {"names": ", ".join(unknown)})
        return names

    def clean_skills(self) -> list[str]:
        return checked_skills(self.cleaned_data["skills"])

    def clean_agents(self) -> list[str]:
        # One that is gone may stay: the editor shows that it is.
        return checked_agents(self.cleaned_data["agents"], also=[*self._beside, *self.instance.agents])

    def clean_output_schema(self) -> dict[str, Any] | None:
        schema = self.cleaned_data["output_schema"]
        if schema is None:
            return None
        if fault := schema_fault(schema):
            raise forms.ValidationError(fault)
        return dict(schema)

    def clean_tool_approvals(self) -> dict[str, str]:
        rules: dict[str, str] = self.cleaned_data["tool_approvals"]
        if unknown := sorted(set(rules) - tools_with_rules()):
            raise forms.ValidationError(_("No such tool: %(names)s.") % {"names": ", ".join(unknown)})
        if wrong := sorted(set(rules.values()) - set(Agent.Approval.values)):
            raise forms.ValidationError(_("No such rule: %(names)s.") % {"names": ", ".join(wrong)})
        return rules

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for name, default in DEFAULTS.items():
            if cleaned.get(name, "") is None:
                cleaned[name] = default
        if "tools" in cleaned:
            cleaned["tools"] = self._checked_tools(cleaned["tools"], cleaned.get("tool_choice"))
        return cleaned

    def _checked_tools(self, names: list[str], choice: str | None) -> list[str] | None:
        if choice != "chosen":
            return None if choice == "all" else []
        known = registered_tools()
        if unknown := [name for name in names if name not in known]:
            self.add_error("tools", _("No such tool: %(names)s. Untick it.") % {"names": ", ".join(unknown)})
        elif not names:
            self.add_error("tools", _("Tick at least one tool, or choose “No tools”."))
        return names

    def _get_validation_exclusions(self) -> set[str]:
        # A second default is allowed: saving it removes the mark from the first.
        exclusions: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]  # a hook the stubs leave out
        return exclusions | {"is_default"}

    @transaction.atomic
    def save_checked(self, *, seen: str = "", message: str = "", author: Any = None) -> Agent:
        """Save the valid form and its version. Raises `ChangedMeanwhile` if the agent was saved after `seen`, an ISO
        time, or is gone; nothing is written then."""
        agent: Agent = self.instance
        if agent.pk is not None:
            # The condition and the write are one statement: of two saves at the same time one finds no row.
            unchanged = Agent.objects.filter(pk=agent.pk, updated_at=_moment(seen))
            if not unchanged.update(updated_at=timezone.now()):
                raise ChangedMeanwhile
        if agent.is_default:
            Agent.objects.exclude(pk=agent.pk).filter(is_default=True).update(is_default=False)
        agent.save(by=author or self._by, message=self.cleaned_data["message"] or message)
        return agent


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise ChangedMeanwhile from error


def moved_rows(names: list[str], action: str) -> list[str]:
    """The rows of models after a button: `add`, `remove-2`, `up-2`, `down-2`. An unknown action changes nothing."""
    verb, _sep, place = action.partition("-")
    rows, at = list(names), int(place) if place.isdecimal() and len(place) < 4 else -1
    if verb == "add":
        return [*rows, ""]
    if not 0 <= at < len(rows):
        return rows
    if verb == "remove":
        del rows[at]
    elif verb in ("up", "down"):
        to = at - 1 if verb == "up" else at + 1
        if 0 <= to < len(rows):
            rows[at], rows[to] = rows[to], rows[at]
    return rows
