"""What a page says while the database is away: come back in a moment, 503, and no traceback."""

import logging
import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.deprecation import MiddlewareMixin

logger = logging.getLogger(__name__)

RETRY_AFTER_S = 5


def is_outage(error: BaseException | None) -> bool:
    """True if the database could not be reached or was locked for too long. What it finds wrong with us is a bug."""
    if not isinstance(error, (OperationalError, InterfaceError)):
        return False
    # SQLite calls a table or a column that is missing operational too.
    return not str(error).startswith("no such ")


def away() -> HttpResponse:
    """503 with a page that needs no database."""
    page = render_to_string("503.html")
    return HttpResponse(page, status=503, headers={"Retry-After": str(RETRY_AFTER_S), "Cache-Control": "no-store"})


def is_outage_now() -> bool:
    """True in the handler of an exception that is an outage."""
    return is_outage(sys.exc_info()[1])


class OutageMiddleware(MiddlewareMixin):
    """Answers for a page that could not reach the database. What fails outside of pages comes to `handler500`."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The 503 page; None for any other exception."""
        if request.path_info.startswith("/api/") or not is_outage(exception):
            return None
        logger.warning("%s %s: the database is away: %s", request.method, request.path_info, exception)
        return away()
