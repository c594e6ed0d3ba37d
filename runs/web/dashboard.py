"""The first page: what needs the user, what runs, what fails, and the figures of the day."""

from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from runs.live.feeds import dashboard_queries
from runs.models import Agent
from runs.models.permissions import may_decide_for_others, may_launch, may_see_all, may_see_models
from runs.web.access import PageRequest, signed_in
from runs.web.alerts_page import raised_alerts
from runs.web.form_keys import new_key
from runs.web.home_figures import figures_for

EXAMPLES: Final = (
    (
        "calculator",
        gettext_lazy("Two sums at once"),
        "What is 17 * 23 and what is 2**10?",  # not translated: the offline planner reads English
        "",
    ),
    (
        "workflow",
        gettext_lazy("One result feeds the next"),
        "multiply 12 by 7 and convert the result from miles to km",  # not translated: the offline planner reads English
        "",
    ),
    (
        "hand",
        gettext_lazy("Ask before each tool"),
        "What is 15% of 240, then add 10 to the result",  # not translated: the offline planner reads English
        "always",
    ),
)
"""Icon, title, task and approval of launches that work without an API key."""

RUNNING_QUERY: Final = "?" + urlencode({"status": ["idle", "thinking", "executing"]}, doseq=True)


@require_safe
@signed_in
def show_dashboard(request: PageRequest) -> HttpResponse:
    """Show the runs the user may see, grouped by status. To the page's script only the figures."""
    context: dict[str, Any] = {"figures": figures_for(request.user), "alerts": raised_alerts(request.user)}
    if request.htmx and request.htmx.target == "figures":
        template = "runs/partials/figures.html"
    else:
        template = "runs/dashboard.html"
        context |= dashboard_queries.lists_for(request.user) | {
            "counts": dashboard_queries.counts_for(request.user),
            "show_owner": may_see_all(request.user),
            "decides_all": not may_see_all(request.user) or may_decide_for_others(request.user),
            "launches": may_launch(request.user),
            "sees_models": may_see_models(request.user),
            "agents": list(Agent.objects.in_use().order_by("-is_default", "name").values_list("name", flat=True)),
            "examples": EXAMPLES,
            "running_query": RUNNING_QUERY,
            "once": new_key(),
        }
    response = render(request, template, context)
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return response
