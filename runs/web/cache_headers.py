"""Cache headers: browsers store nothing of signed-in users."""

from typing import Any

from django.conf import settings
from django.contrib.auth.signals import user_logged_out
from django.http import HttpRequest, HttpResponseBase
from django.utils.cache import patch_cache_control
from django.utils.deprecation import MiddlewareMixin


class PrivacyMiddleware(MiddlewareMixin):
    """Forbids storing responses to a session or token, in caches and in the browser's back-forward cache.

    On Back a browser then requests the page again, and restores typed form values itself. Signing out also clears the
    browser's cache of the site, for browsers that keep pages in memory all the same.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """The response with `Cache-Control`, and `Clear-Site-Data` after a sign-out."""
        if settings.SESSION_COOKIE_NAME in request.COOKIES or "Authorization" in request.headers:
            patch_cache_control(response, private=True, no_store=True)
        if getattr(request, "has_signed_out", False):
            response["Clear-Site-Data"] = '"cache"'
        return response


def _note_sign_out(request: Any = None, **_kwargs: Any) -> None:
    if request is not None:
        request.has_signed_out = True


user_logged_out.connect(_note_sign_out, dispatch_uid="runs.web.cache_headers")
