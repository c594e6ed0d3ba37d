"""The form staff configure an agent with."""

import json
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.forms.fields import InvalidJSONInput

from runs.agent.providers.names import name_fault
from runs.agent.structured import schema_fault
from runs.agent.tools.registry import registered_tools
from runs.models import Agent

if TYPE_CHECKING:
    _AgentModelForm = forms.ModelForm[Agent]
else:  # generic for the type checker only
    _AgentModelForm = forms.ModelForm

NO_MODELS = 'Type a list with at least one name, such as ["offline"].'


class JsonField(forms.JSONField):
    """JSON as somebody would write it by hand; an empty box for nothing."""

    widget = forms.Textarea(attrs={"class": "json", "rows": 4, "spellcheck": "false"})

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, InvalidJSONInput):
            return value
        return "" if value in (None, [], {}) else json.dumps(value, indent=2, ensure_ascii=False)


class AgentForm(_AgentModelForm):
    """An agent whose models and tools are names, so that a mistake is found here and not by a run."""

    class Meta:
        model = Agent
        exclude = ()
        field_classes: ClassVar = dict.fromkeys(("model_names", "tools", "output_schema", "tool_approvals"), JsonField)
        error_messages: ClassVar = {"model_names": {"required": NO_MODELS}}

    def clean_model_names(self) -> list[str]:
        names = self.cleaned_data["model_names"]
        if not isinstance(names, list) or not names:
            raise forms.ValidationError(NO_MODELS)
        faults = [fault for name in names if (fault := name_fault(name))]
        if faults:
            raise forms.ValidationError(faults)
        return names

    def clean_output_schema(self) -> dict[str, Any] | None:
        schema = self.cleaned_data["output_schema"]
        if schema is None:
            return None
        if fault := schema_fault(schema):
            raise forms.ValidationError(fault)
        return dict(schema)

    def clean_tools(self) -> list[str] | None:
        names = self.cleaned_data["tools"]
        if names in (None, []):
            return None
        known = registered_tools()
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise forms.ValidationError('Type a list of names, such as ["calculator"], or leave it empty for all.')
        unknown = [name for name in names if name not in known]
        if unknown:
            raise forms.ValidationError(f"No such tool: {', '.join(unknown)}. There are: {', '.join(known)}.")
        return names

    def clean_tool_approvals(self) -> dict[str, str]:
        rules = self.cleaned_data["tool_approvals"] or {}
        if not isinstance(rules, dict) or not all(rule in Agent.Approval.values for rule in rules.values()):
            accepted = ", ".join(Agent.Approval.values)
            raise forms.ValidationError(
                f'Type the tools with a rule of their own, such as {{"send_mail": "always"}}. Rules: {accepted}.'
            )
        known = registered_tools()
        if unknown := [name for name in rules if name not in known]:
            raise forms.ValidationError(f"No such tool: {', '.join(unknown)}. There are: {', '.join(known)}.")
        return rules

    def _get_validation_exclusions(self) -> set[str]:
        # A second default is no mistake here: saving it takes the mark from the first.
        exclusions: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]  # a hook the stubs leave out
        return exclusions | {"is_default"}
