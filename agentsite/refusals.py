"""Refusals that Django makes outside of any view: below /api/ in the API's shape, elsewhere as a page."""

from django.http import HttpRequest, HttpResponse
from django.views.defaults import server_error as server_error_page

from runs.api.errors import ApiError, unavailable, unexpected
from runs.web import errors, outage


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A request that could not be read, or to a host name that is none of ours. `urls.handler400` names it."""
    if _is_to_the_api(request):
        return ApiError(
            400, "bad_request", "The request could not be read, or names a host that is not this."
        ).response()
    return errors.bad_request(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """A bug outside of the API's own views, or the database is away. `urls.handler500` names it."""
    if outage.is_outage_now():
        return unavailable().response() if _is_to_the_api(request) else outage.away()
    return unexpected().response() if _is_to_the_api(request) else server_error_page(request)


def _is_to_the_api(request: HttpRequest) -> bool:
    return request.path_info.startswith("/api/")
