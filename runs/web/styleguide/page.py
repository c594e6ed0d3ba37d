"""The page of the styleguide, for staff."""

from typing import Final

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from runs.live.rendering.step_icons import ALL_ICONS
from runs.models.permissions import may_see_styleguide
from runs.web.access import PageRequest, only_if
from runs.web.styleguide import form_samples, list_samples, navigation_samples, run_samples
from runs.web.styleguide.design_tokens import colour_tokens, other_tokens
from runs.web.styleguide.samples import apart

NOT_SHOWN: Final = {
    "partials/no_enter.html": "a hidden button",
    "partials/once.html": "a hidden field",
    "partials/waiting_count.html": "nothing while nothing waits; in the side bar otherwise",
    "runs/partials/copy_block.html": "a template that scripts copy",
    "runs/partials/counts.html": "for readers of screens only",
    "runs/partials/run_filtered.html": "two other samples in one answer",
    "runs/partials/run_icons.html": "symbols that other samples use",
    "runs/partials/run_styles.html": "links to styles",
}
"""Partials that cannot be seen on this page, and why."""


@require_safe
@only_if(may_see_styleguide)
def show_styleguide(request: PageRequest) -> HttpResponse:
    """Show every token and every component in each of its states. Nothing on it is stored data."""
    messages.info(request, "A toast: Approved send_invoice.")
    groups = apart(
        [*run_samples.groups(), *navigation_samples.groups(), *list_samples.groups(), *form_samples.groups()]
    )
    context = {
        "colours": colour_tokens(),
        "others": other_tokens(),
        "groups": groups,
        "icons": ALL_ICONS,
        "not_shown": list(NOT_SHOWN.items()),
    }
    return render(request, "styleguide/styleguide.html", context)
