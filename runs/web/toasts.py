"""Short messages about what a change did, for pages that stay where they are."""

from typing import Literal

from django.http import HttpResponse
from django_htmx.http import trigger_client_event


def toast(
    response: HttpResponse, text: str, *, level: Literal["info", "error"] = "info", until_rest: bool = False
) -> HttpResponse:
    """Make `response` show `text` in the browser (`ui.js` listens for the event) and return it.

    With `until_rest` it goes when the run of the page has ended or waits for a person: it is not true any more.
    """
    return trigger_client_event(response, "toast", {"text": text, "level": level, "untilRest": until_rest})
