"""Agents."""

from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext, gettext_lazy
from typing_extensions import override

from runs.admin.deletion import DeletesWithReason, Deletion
from runs.admin.list_lookups import CarefulAdmin
from runs.agent.all_settings import SETTINGS
from runs.agent.setting import Group as SettingGroup
from runs.models import Agent, AgentLabel, AgentVersion, LabelMove, TaskTemplate
from runs.web.agent_form import AgentForm
from runs.web.model_notes import notes_about


def _columns(group: SettingGroup) -> tuple[str, ...]:
    """The agent's columns for the settings of a group."""
    return tuple(each.agent_column for each in SETTINGS.values() if each.group == group)


@admin.register(Agent)
class AgentAdmin(DeletesWithReason, CarefulAdmin):
    """Agents can be edited: a run keeps the configuration it was launched with."""

    form = AgentForm
    list_display = ("name", "description", "models_in_order", "strategy", "max_turns", "max_duration_s", "is_default")
    list_filter = ("strategy", "is_default")
    search_fields = ("name__mentions", "description__mentions")
    readonly_fields = ("version", "created_at", "updated_at")
    fieldsets = (
        (None, {"fields": ("name", "description", "instructions", "is_default")}),
        (
            gettext_lazy("Models and tools"),
            {"fields": ("model_names", "strategy", "tools", "no_tools", "libraries", "skills", "agents")},
        ),
        (
            gettext_lazy("Model settings"),
            {"fields": _columns("model")},
        ),
        (gettext_lazy("Answer"), {"fields": ("output_schema",)}),
        (
            gettext_lazy("Limits"),
            {"fields": (*_columns("limits"), "max_attempts", *_columns("timeouts"))},
        ),
        (
            gettext_lazy("Approvals"),
            {"fields": ("approval", "tool_approvals", "approval_seconds", "on_approval_expiry")},
        ),
        (gettext_lazy("Launches"), {"fields": ("launch_may_raise",)}),
        (gettext_lazy("Queue"), {"fields": ("priority", "max_runs_at_once")}),
        (gettext_lazy("Version"), {"fields": ("version", "message")}),
        (gettext_lazy("Times"), {"fields": ("created_at", "updated_at")}),
    )

    @admin.display(description=gettext_lazy("models"))
    def models_in_order(self, agent: Agent) -> str:
        notes = {note.model: note.words for note in notes_about(agent.model_names)}
        names = map(str, agent.model_names)
        return ", ".join(f"{name} ({notes[name]})" if name in notes else name for name in names)

    @override
    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        agent = kwargs.get("obj")
        for note in notes_about(agent.model_names if agent is not None else ()):
            messages.warning(request, gettext("The model %(note)s. Choose another one.") % {"note": note})
        return super().render_change_form(request, context, *args, **kwargs)

    @override
    def get_readonly_fields(self, request: HttpRequest, obj: Agent | None = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        # To mark a default is to take the mark from another agent, and to change what everybody launches.
        return fields if self.has_change_permission(request) else (*fields, "is_default")

    @override
    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Deletion:
        """What ends with an agent is not listed, and needs no permission of its own."""
        found, counts, needed, protected = super().get_deleted_objects(objs, request)
        own = {str(model._meta.verbose_name) for model in (AgentVersion, AgentLabel, LabelMove, TaskTemplate)}
        agents: Any = [each for each in found if not isinstance(each, list)]  # type: ignore[redundant-expr,unreachable]
        return agents, counts, {each for each in needed if str(each) not in own}, protected

    @override
    @transaction.atomic
    def save_model(self, request: HttpRequest, obj: Agent, form: Any, change: bool) -> None:
        if obj.is_default and self.has_change_permission(request):
            Agent.objects.exclude(pk=obj.pk).filter(is_default=True).update(is_default=False)
        obj.save(by=request.user, message=form.cleaned_data["message"])
