"""Short messages about what a change did, for pages that stay where they are."""

from typing import Literal

from django.http import HttpResponse
from django_htmx.http import trigger_client_event


def toast(response: HttpResponse, text: str, *, level: Literal["info", "error"] = "info") -> HttpResponse:
    """Make `response` show `text` in the browser (`ui.js` listens for the event) and return it."""
    return trigger_client_event(response, "toast", {"text": text, "level": level})
