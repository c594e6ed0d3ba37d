"""Every address of the site."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path

from runs.api.urls import no_such_address

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    path("api/v1/", include("runs.api.urls")),
    re_path(r"^api(?:/|$)", no_such_address, name="no-such-api"),
    path("", include("runs.web.urls")),
]
handler400 = "agentsite.refusals.bad_request"
handler500 = "agentsite.refusals.server_error"
