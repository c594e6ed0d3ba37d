"""Toasts: short messages about the result of an action, for pages that stay."""

from typing import Literal

from django.http import HttpResponse
from django.utils.functional import Promise
from django_htmx.http import trigger_client_event


def toast(
    response: HttpResponse, text: str | Promise, *, level: Literal["info", "error"] = "info", until_rest: bool = False
) -> HttpResponse:
    """Make `response` show `text` in the browser (`ui.js` listens for the event) and return it.

    `until_rest`: the toast disappears when the run of the page has ended or waits for a person.
    """
    return trigger_client_event(response, "toast", {"text": str(text), "level": level, "untilRest": until_rest})
