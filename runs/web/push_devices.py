"""Notifications on devices: the page that asks for them, the manifest of the app, and its service worker."""

from functools import cache
from pathlib import Path
from typing import Final
from uuid import UUID

from django import forms
from django.contrib.staticfiles import finders
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from runs.engine.control.push_devices import MAX_DEVICE_NAME_CHARS, DeviceRefused, add_device, remove_device
from runs.engine.notifications.channels.push_encryption import public_site_key
from runs.engine.notifications.channels.web_push import MAX_ENDPOINT_CHARS, PushSubscription
from runs.live.rendering.stored_words import refusal_words
from runs.models import NotificationChannel
from runs.web.access import PageRequest, signed_in

NO_SUCH: Final = gettext_lazy("There is no such device, or it is not yours.")
ICONS: Final = (("icons/icon-192.png", "192x192", "any"), ("icons/icon-512.png", "512x512", "any"))
MASKABLE: Final = ("icons/maskable-512.png", "512x512", "maskable")


class DeviceForm(forms.Form):
    """A subscription of a browser, as its script sends it."""

    name = forms.CharField(max_length=MAX_DEVICE_NAME_CHARS)
    endpoint = forms.CharField(max_length=MAX_ENDPOINT_CHARS)
    p256dh = forms.CharField(max_length=200)
    auth = forms.CharField(max_length=100)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
@never_cache
def show_devices(request: PageRequest) -> HttpResponse:
    """The person's devices, and the button for this one. POST adds one; 422 with the page if it is refused."""
    fault = ""
    if request.method == "POST":
        form = DeviceForm(request.POST)
        if form.is_valid():
            told = form.cleaned_data
            subscription = PushSubscription(endpoint=told["endpoint"], p256dh=told["p256dh"], auth=told["auth"])
            try:
                add_device(subscription, name=told["name"], rule_name=gettext("On my devices"), by=request.user)
            except DeviceRefused as refused:
                fault = refusal_words(refused)
            else:
                return redirect("runs:devices")
        else:
            fault = gettext("The browser sent no subscription.")
    context = {
        "devices": NotificationChannel.objects.filter(user=request.user.pk, kind=NotificationChannel.Kind.WEB_PUSH),
        "key": public_site_key(),
        "fault": fault,
    }
    return render(request, "notifications/devices.html", context, status=422 if fault else 200)


@require_POST
@signed_in
def delete_device(request: PageRequest, channel_id: UUID) -> HttpResponse:
    """Remove a device."""
    try:
        remove_device(channel_id, by=request.user)
    except NotificationChannel.DoesNotExist:
        raise Http404(NO_SUCH) from None
    return redirect("runs:devices")


@require_safe
def show_manifest(_request: PageRequest) -> HttpResponse:
    """The manifest, by which a browser installs the site as an app."""
    icons = [
        {"src": static(src), "sizes": sizes, "type": "image/png", "purpose": purpose}
        for src, sizes, purpose in (*ICONS, MASKABLE)
    ]
    manifest = {
        "id": "/",
        "name": "Agentsite",
        "short_name": "Agentsite",
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "theme_color": "#4f52c8",
        "background_color": "#f7f8fa",
        "icons": icons,
    }
    return JsonResponse(manifest, content_type="application/manifest+json")


@require_safe
def show_service_worker(_request: PageRequest) -> HttpResponse:
    """The service worker. It is at the root, since it is for all pages, and asked for anew each time."""
    return HttpResponse(
        _service_worker(), content_type="text/javascript; charset=utf-8", headers={"Cache-Control": "no-cache"}
    )


@cache
def _service_worker() -> str:
    found = finders.find("service_worker.js")
    assert isinstance(found, str)  # noqa: S101  it is a file of the site
    return Path(found).read_text()
