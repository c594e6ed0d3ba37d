"""The history for staff, and the agents they configure.

Runs, steps and tool calls are read here and never edited: whatever happens to a run goes through the control room.
"""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.db import DataError, transaction
from django.db.models import Model, QuerySet
from django.db.models.functions import Left
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from typing_extensions import override

from runs.agent.wording import counted
from runs.engine import control
from runs.engine.launch_limits import TooManyLaunches
from runs.engine.spending import DailyLimitReached
from runs.models import Agent, ApiToken, Run, Step, ToolCall
from runs.templatetags.run_text import one_line
from runs.web.agent_form import AgentForm
from runs.web.model_notes import notes_about
from runs.web.sign_in import AdminSignInForm

if TYPE_CHECKING:
    _AnyModelAdmin = admin.ModelAdmin[Any]
    _AnyUserAdmin = UserAdmin[Any]
else:  # generic for the type checker only
    _AnyModelAdmin, _AnyUserAdmin = admin.ModelAdmin, UserAdmin

admin.site.site_header = "Agentsite admin"
admin.site.site_title = "Agentsite admin"
admin.site.index_title = "Agents and history"
admin.site.login_form = AdminSignInForm
admin.site.empty_value_display = EMPTY = "–"

LAST_STEPS = 50
"""Steps shown on a run's page. With thousands of them an inline takes seconds; the list of steps has them all."""
ROW_TEXT = 120
"""Characters of a long text that are read for a row of a list."""


def _json(name: str, description: str = "") -> Callable[[Any, Any], SafeString | str]:
    """What shows the JSON of a field, indented."""

    @admin.display(description=description or name.replace("_", " "))
    def shown(_admin: Any, row: Any) -> SafeString | str:
        value = getattr(row, name)
        if value is None:
            return EMPTY
        return format_html('<pre tabindex="0">{}</pre>', json.dumps(value, indent=2, ensure_ascii=False))

    return shown


class CarefulAdmin(_AnyModelAdmin):
    """Lists that answer a lookup for a number or a date that cannot be as the admin answers other wrong lookups."""

    @override
    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        try:
            return super().get_changelist_instance(request)
        # Django counts the rows outside of what it guards. SQLite refuses an overlarge number with the first, a year
        # after 9999 is the second, and Postgres refuses with the last.
        except (OverflowError, ValueError, DataError) as error:
            raise IncorrectLookupParameters(str(error)) from error


admin.site.unregister(User)


@admin.register(User)
class PersonAdmin(CarefulAdmin, _AnyUserAdmin):
    """Django's own, with careful lists."""


@admin.register(Agent)
class AgentAdmin(CarefulAdmin):
    """Agents can be edited: a run keeps the configuration it was launched with."""

    form = AgentForm
    list_display = ("name", "description", "models_in_order", "strategy", "max_turns", "max_seconds", "is_default")
    list_filter = ("strategy", "is_default")
    search_fields = ("name", "description")
    readonly_fields = ("created_at", "updated_at")
    fieldsets = (
        (None, {"fields": ("name", "description", "instructions", "is_default")}),
        ("Models and tools", {"fields": ("model_names", "strategy", "tools")}),
        ("Answer", {"fields": ("output_schema",)}),
        (
            "Limits",
            {"fields": ("max_turns", "max_seconds", "max_tokens", "max_cost_usd", "context_tokens", "max_attempts")},
        ),
        ("Approvals", {"fields": ("approval", "tool_approvals", "approval_seconds", "on_approval_expiry")}),
        ("Queue", {"fields": ("priority", "max_runs_at_once")}),
        ("Times", {"fields": ("created_at", "updated_at")}),
    )

    @admin.display(description="models")
    def models_in_order(self, agent: Agent) -> str:
        notes = {note.model: note.words for note in notes_about(agent.model_names)}
        names = map(str, agent.model_names)
        return ", ".join(f"{name} ({notes[name]})" if name in notes else name for name in names)

    @override
    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        agent = kwargs.get("obj")
        for note in notes_about(agent.model_names if agent is not None else ()):
            messages.warning(request, f"The model {note}. Choose another one.")
        return super().render_change_form(request, context, *args, **kwargs)

    @override
    @transaction.atomic
    def save_model(self, request: HttpRequest, obj: Agent, form: Any, change: bool) -> None:
        if obj.is_default:
            Agent.objects.exclude(pk=obj.pk).filter(is_default=True).update(is_default=False)
        super().save_model(request, obj, form, change)


class ReadOnlyAdmin(CarefulAdmin):
    """Something that only the engine writes."""

    show_full_result_count = False
    list_per_page = 50

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @override
    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    @override
    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    """Every run of everybody: found, read, stopped, run again."""

    list_display = ("task_start", "state", "severity", "agent", "user", "steps", "created_at", "live")
    list_filter = (
        "status",
        "waiting_for",
        "severity",
        ("agent", admin.RelatedOnlyFieldListFilter),
        ("user", admin.RelatedOnlyFieldListFilter),
    )
    list_select_related = ("agent", "user")
    search_fields = ("task", "answer", "=id", "user__username")
    date_hierarchy = "created_at"
    actions = ("stop_runs", "run_again")
    fieldsets = (
        (None, {"fields": ("task", "status", "waiting_for", "user", "agent", "rerun_of", "continues")}),
        (
            "Outcome",
            {"fields": ("answer", "output_json", "error_json", "severity", "tokens_used", "cost", "cost_is_partial")},
        ),
        ("Last steps", {"fields": ("last_steps",)}),
        (
            "Times",
            {
                "fields": (
                    "created_at",
                    "started_at",
                    "ended_at",
                    "active_ms",
                    "cancel_requested_at",
                    "pause_requested_at",
                )
            },
        ),
        ("Hosting", {"classes": ("collapse",), "fields": ("epoch", "owner", "lease_until", "crashes")}),
        ("Configuration at launch", {"classes": ("collapse",), "fields": ("config_json",)}),
    )
    readonly_fields = ("output_json", "error_json", "config_json", "last_steps")
    output_json, error_json, config_json = _json("output"), _json("error"), _json("config", "configuration")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Run]:
        runs: QuerySet[Run] = super().get_queryset(request)
        # Not the task: the list names each row by it, and would read it row by row.
        return runs.defer("answer", "output", "error", "config")

    @admin.display(description="task")
    def task_start(self, run: Run) -> str:
        return one_line(run.task, ROW_TEXT)

    @admin.display(description="status", ordering="status")
    def state(self, run: Run) -> str:
        return run.stands

    @admin.display(description="steps", ordering="next_sequence")
    def steps(self, run: Run) -> int:
        return run.steps_taken

    @admin.display(description="live page")
    def live(self, run: Run) -> SafeString:
        return format_html('<a href="{}">Open</a>', run.get_absolute_url())

    @admin.display(description="last steps")
    def last_steps(self, run: Run) -> SafeString:
        """The last steps in order, with the ways to the live page and to all of them."""
        newest = run.steps.defer("replay", "html", "tool_input", "tool_output").order_by("-sequence")[:LAST_STEPS]
        return render_to_string("admin/runs/last_steps.html", {"run": run, "steps": reversed(newest)})

    def view_on_site(self, obj: Run) -> str:
        return obj.get_absolute_url()

    @admin.action(description="Stop the selected runs", permissions=["view"])
    def stop_runs(self, request: HttpRequest, runs: QuerySet[Run]) -> None:
        outcomes = [control.cancel(run_id, by=request.user) for run_id in runs.values_list("pk", flat=True)]
        said = (
            f"{outcomes.count('cancelled')} cancelled, {outcomes.count('asked')} asked to stop, "
            f"{outcomes.count('already_ended')} had already ended."
        )
        messages.info(request, said)

    @admin.action(description="Run the selected tasks again", permissions=["view"])
    def run_again(self, request: HttpRequest, runs: QuerySet[Run]) -> None:
        launched = []
        for run_id in runs.values_list("pk", flat=True):
            try:
                launched.append(control.run_again(run_id, by=request.user))
            except (DailyLimitReached, TooManyLaunches) as reached:
                messages.error(request, str(reached))
                break
        messages.success(request, f"{counted(len(launched), 'run')} launched.")


@admin.register(Step)
class StepAdmin(ReadOnlyAdmin):
    """Every recorded step. Its private `replay` value is not among the fields."""

    list_display = ("sequence", "kind", "content_start", "tool_name", "severity", "run_link", "ended_at")
    list_filter = ("kind", "severity")
    search_fields = ("content", "tool_name", "=run__id")
    ordering = ("-pk",)
    fields = (
        *("run_link", "sequence", "epoch", "turn", "kind", "content", "tool_name", "call_id", "input_json"),
        *("output_json", "attempt", "max_attempts", "severity", "recoverable", "suggested_action", "provider"),
        *("model", "lane", "tokens", "cost", "started_at", "ended_at", "metadata_json"),
    )
    readonly_fields = ("run_link", "input_json", "output_json", "metadata_json")
    input_json, output_json, metadata_json = _json("tool_input"), _json("tool_output"), _json("metadata")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Step]:
        steps: QuerySet[Step] = super().get_queryset(request)
        return steps.defer("replay", "html", "content").annotate(start=Left("content", ROW_TEXT))

    @admin.display(description="content")
    def content_start(self, step: Any) -> str:
        return str(step.start)

    @admin.display(description="run", ordering="run")
    def run_link(self, step: Step) -> SafeString:
        return _run_link(step.run_id)


@admin.register(ToolCall)
class ToolCallAdmin(ReadOnlyAdmin):
    """Every tool call, how far it came, and who decided on it."""

    list_display = ("tool_name", "state", "effect", "turn", "index", "run_link", "started_at", "ended_at")
    list_filter = ("state", "effect", "tool_name")
    search_fields = ("tool_name", "=call_id", "=run__id")
    ordering = ("-started_at",)
    fields = (
        *("run_link", "turn", "index", "tool_name", "arguments_json", "proposed_json", "arguments_hash", "effect"),
        *("state", "epoch", "decided_by", "decided_at", "decision_reason", "expires_at", "started_at", "ended_at"),
    )
    readonly_fields = ("run_link", "arguments_json", "proposed_json")
    arguments_json, proposed_json = _json("arguments"), _json("proposed_arguments")

    @admin.display(description="run", ordering="run")
    def run_link(self, call: ToolCall) -> SafeString:
        return _run_link(call.run_id)


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    """Everybody's tokens for the API, which staff may revoke. Their hashes are shown to nobody."""

    list_display = ("name", "prefix", "user", "created_at", "expires_at", "last_used_at", "revoked_at")
    list_filter = ("user",)
    search_fields = ("name", "prefix", "user__username")
    list_select_related = ("user",)
    exclude = ("token_hash",)
    actions = ("revoke_selected",)

    @admin.action(description="Revoke selected tokens", permissions=["change_tokens"])
    def revoke_selected(self, request: HttpRequest, tokens: QuerySet[ApiToken]) -> None:
        for token in tokens:
            token.revoke()
        self.message_user(request, f"{counted(len(tokens), 'token is', 'tokens are')} revoked.")

    def has_change_tokens_permission(self, request: HttpRequest) -> bool:
        """Whoever may change tokens may revoke them; nothing else about one can be changed."""
        return request.user.has_perm("runs.change_apitoken")


def _run_link(run_id: object) -> SafeString:
    return format_html('<a href="{}">{}</a>', reverse("admin:runs_run_change", args=[run_id]), run_id)
