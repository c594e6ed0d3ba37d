"""The pages for outages and overload: the reason, `Retry-After`, 503 or 429, and no traceback.

For an unreachable or unwritable database, a full password-hashing queue, and too many waiting requests.
"""

import logging
from functools import cache
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.deprecation import MiddlewareMixin
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from runs.database_outages import AWAY, RETRY_AFTER_S, Outage, OutageKind, outage_of
from runs.hash_pool import HashBusy
from runs.languages import page_language
from runs.web.unsent_forms import UnsentForm

logger = logging.getLogger(__name__)

READS: Final = ("GET", "HEAD")
RETRY_PAGE_S: Final = 2 * RETRY_AFTER_S
"""After this long a page of an outage loads itself again: later than a program may, because many are open."""
_KEPT = gettext_lazy("Runs in progress continue, and their results are kept.")
_SOON = gettext_lazy("Try again in a few seconds.")
_STAFF = gettext_lazy("The site's operator has to help; /readyz says how. Then everything continues by itself.")
_READ_ONLY = gettext_lazy("Nothing new can be stored, though what is there can be read.")
_WORDS: dict[OutageKind, tuple[Promise, list[Promise]]] = {
    "full": (gettext_lazy("The disk is full"), [_READ_ONLY, _KEPT, _STAFF]),
    "refused": (
        gettext_lazy("The disk takes nothing more"),
        [gettext_lazy("It is full, over a quota, or broken; what is there can be read."), _KEPT, _STAFF],
    ),
    "locked": (
        gettext_lazy("The database is locked"),
        [
            gettext_lazy("Something else holds its lock, so nothing new can be stored; what is there can be read."),
            _KEPT,
            _SOON,
        ],
    ),
    "read_only": (gettext_lazy("The database is read-only"), [_READ_ONLY, _KEPT, _STAFF]),
    "slow": (gettext_lazy("The database takes long to write"), [_KEPT, _SOON]),
    "away": (gettext_lazy("The database does not answer"), [_KEPT, _SOON]),
}


def away(outage: Outage = AWAY, request: HttpRequest | None = None) -> HttpResponse:
    """503 with a page that needs no database and explains the outage. It loads itself again, or for a form that was
    sent holds what was typed, to be sent again."""
    heading, sentences = _WORDS[outage.kind]
    is_read = request is not None and request.method in READS
    # Only a form of our own: another site's must not come back with a valid token.
    is_ours = request is not None and getattr(request, "csrf_processing_done", False)
    kept = UnsentForm.of(request) if request is not None and is_ours and request.method == "POST" else None
    words = " ".join(map(str, sentences))
    context = {"heading": heading, "words": words, "kept": kept, "retry_s": RETRY_PAGE_S if is_read else None}
    page = render_to_string("503.html", context, request if kept else None)
    return HttpResponse(page, status=503, headers=_headers(retries=is_read))


@cache
def _page(template: str, retry_s: int | None, _language: str) -> str:
    return render_to_string(template, {"retry_s": retry_s})


def _headers(*, retries: bool) -> dict[str, str]:
    headers = {"Retry-After": str(RETRY_AFTER_S), "Cache-Control": "no-store"}
    return headers | ({"Refresh": str(RETRY_PAGE_S)} if retries else {})


def _come_back(template: str, status: int, *, retries: bool) -> HttpResponse:
    page = _page(template, RETRY_PAGE_S if retries else None, page_language())
    return HttpResponse(page, status=status, headers=_headers(retries=retries))


def busy(*, retries: bool = False) -> HttpResponse:
    """503 if no password can be hashed now, or too many requests wait. `retries`: the page loads itself again, which is
    right for a request that changes nothing."""
    return _come_back("503_busy.html", 503, retries=retries)


def too_many_of_yours(*, retries: bool = False) -> HttpResponse:
    """429 if too many requests of one user, or of one address, wait; `retries` as of `busy`."""
    return _come_back("429.html", 429, retries=retries)


def answer_to(error: BaseException | None, request: HttpRequest | None = None) -> HttpResponse | None:
    """The page for an outage or a full hashing queue; None for other exceptions."""
    if isinstance(error, HashBusy):
        return busy()
    if (outage := outage_of(error)) is None:
        return None
    return away(outage, request)


class OutageMiddleware(MiddlewareMixin):
    """Answers for views that could not reach the database or hash a password. Failures outside views reach
    `handler500`."""

    async_capable = False
    """Django calls the middleware around this one, the innermost, in the thread of the request then. Otherwise each of
    their methods is handed from the event loop to that thread and back, 18 times for a page, and beside runs at work
    each of both ways waits for the interpreter."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The 503 page; None for any other exception, and for the API, which has its own format."""
        if request.path_info.startswith("/api/"):
            return None
        if outage := outage_of(exception):
            logger.warning("%s %s: %s (%s)", request.method, request.path_info, outage.what, exception)
        return answer_to(exception, request)
