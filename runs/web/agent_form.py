"""The admin form of an agent."""

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.utils.translation import gettext, gettext_lazy

from runs.agent.json_data.json_types import JsonObject
from runs.agent.providers.model_catalog.model_names import name_fault
from runs.agent.structured_output import schema_fault
from runs.agent.tools.registry import MOST_NEAR, near_tools, registered_tools
from runs.agent_configs.name_checks import checked_agents, checked_skills, tools_with_rules
from runs.agent_configs.setting_fields import ExtraField, JsonField
from runs.live.rendering.stored_words import error_words
from runs.models import Agent, Library
from runs.models.agent_version import MAX_MESSAGE_CHARS

if TYPE_CHECKING:
    _AgentModelForm = forms.ModelForm[Agent]
else:  # generic for the type checker only
    _AgentModelForm = forms.ModelForm

NO_MODELS = gettext_lazy('Type a list with at least one name, such as ["offline"].')


class AgentForm(_AgentModelForm):
    """An agent whose model and tool names are checked here, so that no run fails because of a typo."""

    no_tools = forms.BooleanField(
        label=gettext_lazy("No tools at all"),
        required=False,
        help_text=gettext_lazy("For models that take none: no request names a tool. Leave the list above empty then."),
    )

    launch_may_raise = forms.MultipleChoiceField(
        label=gettext_lazy("A launch may have more than the agent in"),
        required=False,
        choices=Agent.MayRaise.choices,
        widget=forms.CheckboxSelectMultiple,
        help_text=Agent._meta.get_field("launch_may_raise").help_text,
    )

    message = forms.CharField(
        label=gettext_lazy("What has changed"),
        required=False,
        max_length=MAX_MESSAGE_CHARS,
        help_text=gettext_lazy("One line for the list of versions."),
    )

    class Meta:
        model = Agent
        exclude = ()
        field_classes: ClassVar = {
            **dict.fromkeys(
                ("model_names", "tools", "libraries", "skills", "agents", "output_schema", "tool_approvals"), JsonField
            ),
            "extra_settings": ExtraField,
        }
        error_messages: ClassVar = {"model_names": {"required": NO_MODELS}}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.setdefault("no_tools", self.instance.tools == [])
        effort = self.fields.get("reasoning_effort")  # Absent in the form of a user who may only view the agent.
        if isinstance(effort, forms.ChoiceField):
            effort.choices = [("", gettext_lazy("The provider's default")), *Agent.ReasoningEffort.choices]

    def clean_model_names(self) -> list[str]:
        names = self.cleaned_data["model_names"]
        if not isinstance(names, list) or not names:
            raise forms.ValidationError(NO_MODELS)
        faults = [error_words(fault) for name in names if (fault := name_fault(name))]
        if faults:
            raise forms.ValidationError(faults)
        return names

    def clean_output_schema(self) -> JsonObject | None:
        schema = self.cleaned_data["output_schema"]
        if schema is None:
            return None
        if fault := schema_fault(schema):
            raise forms.ValidationError(fault)
        return dict(schema)

    def clean_libraries(self) -> list[str]:
        names = self.cleaned_data["libraries"] or []
        known = set(Library.objects.values_list("name", flat=True))
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise forms.ValidationError(gettext('Type a list of names, such as ["handbook"].'))
        if unknown := [name for name in names if name not in known]:
            raise forms.ValidationError(gettext("No such library: %(names)s.") % {"names": ", ".join(unknown)})
        return names

    def clean_skills(self) -> list[str]:
        names = self.cleaned_data["skills"] or []
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise forms.ValidationError(gettext('Type a list of names, such as ["expense-report"].'))
        return checked_skills(names)

    def clean_agents(self) -> list[str]:
        names = self.cleaned_data["agents"] or []
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise forms.ValidationError(gettext('Type a list of names, such as ["Researcher"].'))
        return checked_agents(names)

    def clean_tools(self) -> list[str] | None:
        names = self.cleaned_data["tools"]
        if names is None:
            return None
        known = registered_tools()
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise forms.ValidationError(
                gettext_lazy('Type a list of names, such as ["calculator"]; nothing for all, [] for none.')
            )
        unknown = [name for name in names if name not in known]
        if unknown:
            raise forms.ValidationError(_no_such_tool(unknown, known))
        return names

    def clean_extra_settings(self) -> JsonObject:
        return self.cleaned_data["extra_settings"] or {}  # The column is not nullable.

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if data.get("no_tools"):
            if data.get("tools"):
                self.add_error(
                    "no_tools", gettext_lazy("Either no tools, or those on the list: empty the list, or untick this.")
                )
            data["tools"] = []
        return data

    def clean_tool_approvals(self) -> dict[str, str]:
        rules = self.cleaned_data["tool_approvals"] or {}
        if not isinstance(rules, dict) or not all(rule in Agent.Approval.values for rule in rules.values()):
            accepted = ", ".join(Agent.Approval.values)
            raise forms.ValidationError(
                gettext('Type the tools with a rule of their own, such as {"send_mail": "always"}. Rules: %(rules)s.')
                % {"rules": accepted}
            )
        known = tools_with_rules()
        if unknown := [name for name in rules if name not in known]:
            raise forms.ValidationError(_no_such_tool(unknown, known))
        return rules

    def _get_validation_exclusions(self) -> set[str]:
        # A second default is allowed: saving it removes the mark from the first.
        exclusions: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]  # a hook the stubs leave out
        return exclusions | {"is_default"}


def _no_such_tool(unknown: Iterable[str], known: Collection[str]) -> str:
    names = list(unknown)
    words = gettext("No such tool: %(names)s.") % {"names": ", ".join(names)}
    near = dict.fromkeys(found for name in names for found in near_tools(name, known))
    if not near:
        return words
    return f"{words} {gettext('Did you mean %(near)s?') % {'near': ', '.join(list(near)[:MOST_NEAR])}}"
