"""All URLs of the site."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.generic import RedirectView

from runs.api.hooks import receive_delivery
from runs.api.mcp.http import serve_mcp
from runs.api.slack_hooks import receive_slack
from runs.api.urls import no_such_address
from runs.web.sign_in_forms import sign_in_to_admin

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/login/", sign_in_to_admin),
    # Admin and site share one page for passwords, with its throttle.
    path("admin/password_change/", RedirectView.as_view(pattern_name="runs:password")),
    path("admin/", admin.site.urls),
    path("api/v1/", include("runs.api.urls")),
    path("mcp", serve_mcp, name="mcp"),
    path("hooks/slack/<uuid:channel_id>", receive_slack, name="slack-hook"),
    path("hooks/<str:token>", receive_delivery, name="hook"),
    re_path(r"^api(?:/|$)", no_such_address, name="no-such-api"),
    path("", include("runs.web.urls")),
]
handler400 = "agentsite.error_handlers.bad_request"
handler403 = "runs.web.error_pages.permission_denied"
handler404 = "runs.web.error_pages.page_not_found"
handler500 = "agentsite.error_handlers.server_error"
