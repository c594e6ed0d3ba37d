"""Channels of notifications: the form of one, and what can be done with it."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from runs.engine.control import notification_channels as control
from runs.engine.control.notification_channels import NotificationRefused
from runs.engine.notifications.addresses import TYPED_KINDS
from runs.models import NotificationChannel
from runs.web.access import PageRequest, go_to, signed_in
from runs.web.notification_forms import KINDS, ChannelForm
from runs.web.notifications import say_what_came


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def new_channel(request: PageRequest) -> HttpResponse:
    """The form of a new channel. POST makes it and sends a test; 422 with the form if it is refused."""
    email = getattr(request.user, "email", "")
    initial = {"kind": NotificationChannel.Kind.EMAIL, "address": email}
    form = ChannelForm(request.POST) if request.method == "POST" else ChannelForm(initial=initial)
    if form.is_bound and form.is_valid():
        said = form.cleaned_data
        try:
            channel = control.create_channel(
                kind=said["kind"] or NotificationChannel.Kind.EMAIL,
                name=said["name"],
                address=said["address"],
                user=request.user,
            )
        except NotificationRefused as refused:
            form.refuse(refused)
        else:
            _try(request, channel)
            return redirect("runs:notifications")
    return _show_form(request, form, None)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def edit_channel(request: PageRequest, channel_id: UUID) -> HttpResponse:
    """The form of a channel, without its address. POST stores it; 422 with the form if it is refused."""
    channel = _channel_or_404(request, channel_id)
    form = ChannelForm(request.POST) if request.method == "POST" else ChannelForm(initial={"name": channel.name})
    if form.is_bound and form.is_valid():
        said = form.cleaned_data
        try:
            control.change_channel(channel.pk, name=said["name"], address=said["address"], by=request.user)
        except NotificationRefused as refused:
            form.refuse(refused)
        else:
            return redirect("runs:notifications")
    return _show_form(request, form, channel)


@require_POST
@signed_in
def try_channel(request: PageRequest, channel_id: UUID) -> HttpResponse:
    """Send a test."""
    _try(request, _channel_or_404(request, channel_id))
    return redirect("runs:notifications")


@require_POST
@signed_in
def pause_channel(request: PageRequest, channel_id: UUID) -> HttpResponse:
    """Pause it."""
    channel = control.pause_channel(_channel_or_404(request, channel_id).pk, by=request.user)
    messages.info(request, gettext("“%(name)s” is paused.") % {"name": channel.name})
    return redirect("runs:notifications")


@require_POST
@signed_in
def resume_channel(request: PageRequest, channel_id: UUID) -> HttpResponse:
    """Resume a paused or disabled one."""
    channel = control.resume_channel(_channel_or_404(request, channel_id).pk, by=request.user)
    messages.info(request, gettext("“%(name)s” is active.") % {"name": channel.name})
    return redirect("runs:notifications")


@require_POST
@signed_in
def delete_channel(request: PageRequest, channel_id: UUID) -> HttpResponse:
    """Delete it with its log."""
    channel = _channel_or_404(request, channel_id)
    control.delete_channel(channel.pk, by=request.user)
    messages.info(request, gettext("“%(name)s” is deleted.") % {"name": channel.name})
    return go_to(request, reverse("runs:notifications"))


def _try(request: PageRequest, channel: NotificationChannel) -> None:
    words = gettext("A test is sent to “%(name)s”.") % {"name": channel.name}
    say_what_came(request, lambda: control.try_channel(channel.pk, by=request.user), words)


def _show_form(request: PageRequest, form: ChannelForm, channel: NotificationChannel | None) -> HttpResponse:
    is_typed = channel is None or channel.kind in TYPED_KINDS
    context = {"form": form, "channel": channel, "kinds": KINDS, "is_typed": is_typed}
    return render(request, "notifications/channel.html", context, status=422 if form.errors else 200)


def _channel_or_404(request: PageRequest, channel_id: UUID) -> NotificationChannel:
    channel = NotificationChannel.objects.filter(pk=channel_id, user=request.user.pk).first()
    if channel is None:
        raise Http404(gettext("There is no such channel, or it is not yours."))
    return channel
