"""The language of a request: the middleware that finds it, and the choice that a cookie remembers."""

from django.conf import settings
from django.http import HttpRequest, HttpResponseBadRequest, HttpResponseBase
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.deprecation import MiddlewareMixin
from django.utils.translation import get_language_from_request, gettext
from django.views.decorators.http import require_POST
from django.views.i18n import set_language

from runs.languages import language_of_program, page_language


class LanguageMiddleware(MiddlewareMixin):
    """Activates the reader's language: the chosen one, else that of the browser, else the site's.

    In place of Django's own, which does not know that the API has rules of its own, nor that a cookie has a say.
    """

    def process_request(self, request: HttpRequest) -> None:
        """Activate the language for this request's context; the next request begins with an empty one."""
        is_api = request.path_info.startswith("/api/")
        translation.activate(language_of_program(request) if is_api else get_language_from_request(request))

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """The response with its language, and with what that depends on."""
        response.headers.setdefault("Content-Language", page_language())
        is_api = request.path_info.startswith("/api/")
        patch_vary_headers(response, ["Accept-Language"] if is_api else ["Accept-Language", "Cookie"])
        return response


@require_POST
def choose_language(request: HttpRequest) -> HttpResponseBase:
    """Remember the language in a cookie and go back to the page it was chosen on. Signed-out people have it too."""
    if request.POST.get("language") not in settings.AGENTSITE_LANGUAGES:
        return HttpResponseBadRequest(gettext("This site has no such language."), content_type="text/plain")
    return set_language(request)
