"""The origin of this site as people type it."""

from django.conf import settings
from django.http import HttpRequest


def site_origin(request: HttpRequest) -> str:
    """That of `AGENTSITE_URL`, or of the request."""
    return str(settings.AGENTSITE_URL) or f"{request.scheme}://{request.get_host()}"
