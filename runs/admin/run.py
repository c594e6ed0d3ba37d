"""Runs."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy, ngettext, pgettext_lazy

from runs.admin.list_columns import EMPTY, ROW_TEXT, json_column
from runs.admin.read_only import ReadOnlyAdmin
from runs.admin.run_tree import ChildRunFilter, children_of, parent_of, root_of
from runs.engine import control
from runs.engine.files.storage import DocumentRefused
from runs.engine.limits.daily_budget import DailyLimitReached
from runs.engine.limits.launch_rate import TooManyLaunches
from runs.live.rendering.formatting import counted_text, tokens_text
from runs.live.rendering.stored_words import refusal_words
from runs.models import Run
from runs.models.permissions import STOP_RUN, may_launch
from runs.templatetags.run_text import one_line

LAST_STEPS = 50
"""Steps shown on a run's page. With thousands of them an inline takes seconds; the list of steps has them all."""


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    """The runs of all users: to find, read, stop and run again."""

    list_display = ("task_start", "state", "severity", "agent", "version", "user", "steps", "created_at", "live")
    list_filter = (
        "status",
        "could_not",
        "waiting_for",
        "severity",
        ChildRunFilter,
        ("agent", admin.RelatedOnlyFieldListFilter),
        ("user", admin.RelatedOnlyFieldListFilter),
    )
    list_select_related = ("agent", "user")
    search_fields = ("task__mentions", "answer__mentions", "=id", "user__username__mentions")
    date_hierarchy = "created_at"
    actions = ("stop_runs", "run_again")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "task",
                    "status",
                    "waiting_for",
                    "user",
                    "agent",
                    "version",
                    "draft_base",
                    "rerun_of",
                    "continues",
                )
            },
        ),
        (gettext_lazy("Tree"), {"fields": ("parent", "first_run", "child_runs")}),
        (
            gettext_lazy("Outcome"),
            {
                "fields": (
                    *("answer", "could_not", "output_json", "error_json", "severity"),
                    *("tokens", "cost", "cost_is_partial"),
                )
            },
        ),
        (gettext_lazy("Last steps"), {"fields": ("last_steps",)}),
        (
            gettext_lazy("Times"),
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
        (gettext_lazy("Hosting"), {"classes": ("collapse",), "fields": ("epoch", "owner", "lease_until", "crashes")}),
        (
            gettext_lazy("Configuration at launch"),
            {"classes": ("collapse",), "fields": ("template", "inputs_json", "config_json")},
        ),
    )
    readonly_fields = (
        *("output_json", "error_json", "inputs_json", "config_json", "last_steps", "tokens"),
        *("parent", "first_run", "child_runs"),
    )
    output_json, error_json, inputs_json, config_json = (
        json_column("output", gettext_lazy("output")),
        json_column("error", gettext_lazy("error")),
        json_column("filled_inputs", pgettext_lazy("field", "inputs")),
        json_column("config", gettext_lazy("configuration")),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Run]:
        runs: QuerySet[Run] = super().get_queryset(request)
        # Not the task: the list names each row by it, and would read it row by row.
        return runs.defer("filled_inputs", "answer", "output", "error", "config")

    @admin.display(description=gettext_lazy("task"))
    def task_start(self, run: Run) -> str:
        return one_line(run.task, ROW_TEXT)

    @admin.display(description=gettext_lazy("status"), ordering="status")
    def state(self, run: Run) -> str:
        return run.stands

    @admin.display(description=gettext_lazy("steps"), ordering="next_sequence")
    def steps(self, run: Run) -> int:
        return run.steps_taken

    @admin.display(description=gettext_lazy("tokens used"))
    def tokens(self, run: Run) -> str:
        tokens = run.tokens_used
        return EMPTY if tokens is None else tokens_text(tokens, is_estimated=run.usage_is_estimated)

    @admin.display(description=gettext_lazy("live page"))
    def live(self, run: Run) -> SafeString:
        return format_html('<a href="{}">{}</a>', run.get_absolute_url(), gettext("Open"))

    @admin.display(description=gettext_lazy("called by the run"))
    def parent(self, run: Run) -> SafeString | str:
        return parent_of(run)

    @admin.display(description=gettext_lazy("first run of its tree"))
    def first_run(self, run: Run) -> SafeString | str:
        return root_of(run)

    @admin.display(description=gettext_lazy("child runs"))
    def child_runs(self, run: Run) -> SafeString | str:
        return children_of(run)

    @admin.display(description=gettext_lazy("last steps"))
    def last_steps(self, run: Run) -> SafeString:
        """The last steps in order, with links to the live page and to the list of all steps."""
        newest = run.steps.defer("replay", "html", "tool_input", "tool_output").order_by("-sequence")[:LAST_STEPS]
        return render_to_string("admin/runs/last_steps.html", {"run": run, "steps": reversed(newest)})

    def view_on_site(self, obj: Run) -> str:
        return obj.get_absolute_url()

    def has_stop_permission(self, request: HttpRequest) -> bool:
        """True with the permission to stop the runs of all users, which the list shows."""
        return bool(request.user.has_perm(STOP_RUN))

    def has_launch_permission(self, request: HttpRequest) -> bool:
        """True if the user may launch runs."""
        return may_launch(request.user)

    @admin.action(description=gettext_lazy("Stop the selected runs"), permissions=["stop"])
    def stop_runs(self, request: HttpRequest, runs: QuerySet[Run]) -> None:
        outcomes = [control.cancel(run_id, by=request.user) for run_id in runs.values_list("pk", flat=True)]
        said = gettext("%(cancelled)s stopped, %(asked)s asked to stop, %(ended)s had already ended.")
        counts = {name: outcomes.count(name) for name in ("cancelled", "asked")}
        messages.info(request, said % {**counts, "ended": outcomes.count("already_ended")})

    @admin.action(description=gettext_lazy("Run the selected tasks again"), permissions=["launch"])
    def run_again(self, request: HttpRequest, runs: QuerySet[Run]) -> None:
        launched = []
        for run_id in runs.values_list("pk", flat=True):
            try:
                launched.append(control.run_again(run_id, by=request.user))
            except (DailyLimitReached, TooManyLaunches, DocumentRefused) as reached:
                messages.error(request, refusal_words(reached))
                break
        words = ngettext("%(n)s run launched.", "%(n)s runs launched.", len(launched))
        messages.success(request, words % {"n": counted_text(len(launched))})
