"""Slack channels of a person: their list with the accounts that decide there, and the link of an account."""

from typing import Final
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from runs.engine.control.slack_channels import (
    MAX_BOT_TOKEN_CHARS,
    MAX_SIGNING_SECRET_CHARS,
    SlackChannelRefused,
    SlackSettings,
    SlackSettingsChange,
    change_slack_channel,
    create_slack_channel,
    delete_slack_channel,
    unlink_slack_account,
)
from runs.engine.control.slack_decisions import link_account, link_request
from runs.live.rendering.stored_words import refusal_words
from runs.models import NotificationChannel, SlackAccount
from runs.models.notification_rule import MAX_NOTIFICATION_NAME_CHARS
from runs.models.slack_account import MAX_SLACK_ID_CHARS
from runs.web.access import PageRequest, signed_in

NO_SUCH: Final = gettext_lazy("There is no such channel, or it is not yours.")


class SlackChannelForm(forms.Form):
    """A Slack app and a channel of it. What is valid is decided by the control room."""

    name = forms.CharField(max_length=MAX_NOTIFICATION_NAME_CHARS, label=gettext_lazy("Name"))
    channel = forms.CharField(max_length=MAX_SLACK_ID_CHARS, label=gettext_lazy("Id of the channel"))
    token = forms.CharField(max_length=MAX_BOT_TOKEN_CHARS, label=gettext_lazy("Bot token"))
    secret = forms.CharField(max_length=MAX_SIGNING_SECRET_CHARS, label=gettext_lazy("Signing secret"))

    def settings(self) -> SlackSettings:
        """What it says. The form is valid."""
        return SlackSettings(**{name: self.cleaned_data[name] for name in ("name", "channel", "token", "secret")})


class SlackChangeForm(forms.Form):
    """Changes of a channel. Token and secret, which are not shown, stay where nothing is typed."""

    name = forms.CharField(max_length=MAX_NOTIFICATION_NAME_CHARS, label=gettext_lazy("Name"))
    channel = forms.CharField(max_length=MAX_SLACK_ID_CHARS, label=gettext_lazy("Id of the channel"))
    token = forms.CharField(max_length=MAX_BOT_TOKEN_CHARS, label=gettext_lazy("New bot token"), required=False)
    secret = forms.CharField(
        max_length=MAX_SIGNING_SECRET_CHARS, label=gettext_lazy("New signing secret"), required=False
    )

    def __init__(self, channel: NotificationChannel, data: QueryDict | None = None) -> None:
        """That of a channel: with its values, or as it was sent."""
        initial = {"name": channel.name, "channel": channel.shown_address}
        super().__init__(data, initial=initial, auto_id=f"id_{channel.pk}_%s")
        self.is_for = channel

    def change(self) -> SlackSettingsChange:
        """What it says. The form is valid."""
        said = self.cleaned_data
        stays = said["channel"] == self.is_for.shown_address
        return SlackSettingsChange(
            name=said["name"],
            channel=None if stays else said["channel"],
            token=said["token"] or None,
            secret=said["secret"] or None,
        )


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
@never_cache
def show_slack_channels(request: PageRequest) -> HttpResponse:
    """The person's Slack channels. POST makes one; 422 with the form if it is refused."""
    form = SlackChannelForm(request.POST) if request.method == "POST" else SlackChannelForm()
    if form.is_bound and form.is_valid():
        try:
            create_slack_channel(form.settings(), by=request.user)
        except SlackChannelRefused as refused:
            _refuse(form, refused)
        else:
            return redirect("runs:slack-channels")
    return _show(request, form, None, status=422 if form.errors else 200)


@require_POST
@signed_in
@never_cache
def change_channel(request: PageRequest, channel_id: UUID) -> HttpResponse:
    """Store the changes of a channel; 422 with its form open if they are refused."""
    channel = NotificationChannel.objects.filter(user=request.user.pk, kind=NotificationChannel.Kind.SLACK)
    found = channel.filter(pk=channel_id).first()
    if found is None:
        raise Http404(NO_SUCH)
    form = SlackChangeForm(found, request.POST)
    if form.is_valid():
        try:
            change_slack_channel(found.pk, form.change(), by=request.user)
        except SlackChannelRefused as refused:
            _refuse(form, refused)
        except NotificationChannel.DoesNotExist:
            raise Http404(NO_SUCH) from None
        else:
            messages.info(request, gettext("“%(name)s” is changed.") % {"name": form.cleaned_data["name"]})
            return redirect("runs:slack-channels")
    return _show(request, SlackChannelForm(), form, status=422)


@require_POST
@signed_in
def delete_channel(request: PageRequest, channel_id: UUID) -> HttpResponse:
    """Delete a channel with its log and its accounts."""
    try:
        delete_slack_channel(channel_id, by=request.user)
    except NotificationChannel.DoesNotExist:
        raise Http404(NO_SUCH) from None
    return redirect("runs:slack-channels")


@require_POST
@signed_in
def unlink_account(request: PageRequest, account_id: int) -> HttpResponse:
    """Take an account off."""
    try:
        unlink_slack_account(account_id, by=request.user)
    except (SlackAccount.DoesNotExist, PermissionDenied):
        raise Http404(gettext("There is no such account, or it is not yours.")) from None
    return redirect("runs:slack-channels")


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
@never_cache
def link_slack_account(request: PageRequest, token: str) -> HttpResponse:
    """Ask whether an account of Slack is the person's. POST says so. 404 for a wrong or old link, 403 if this person
    may not decide in that channel."""
    try:
        asked = link_request(token)
    except (signing.BadSignature, NotificationChannel.DoesNotExist, ValueError):
        raise Http404(gettext("This link is wrong or has expired. Press the button in Slack again.")) from None
    if request.method != "POST":
        return render(request, "notifications/slack_link.html", {"asked": asked})
    if link_account(asked, user=request.user) is None:
        raise PermissionDenied(
            gettext("Presses in this channel count only for who set it up, unless they may decide for everybody.")
        )
    messages.info(request, gettext("Linked. Press the button in Slack again."))
    return redirect("runs:slack-channels")


def _refuse(form: forms.Form, refused: SlackChannelRefused) -> None:
    for name, words in refused.faults.items():
        form.add_error(name or None, refusal_words(ValueError(words)))


def _show(
    request: PageRequest, form: SlackChannelForm, changed: SlackChangeForm | None, *, status: int
) -> HttpResponse:
    own = NotificationChannel.objects.filter(user=request.user.pk, kind=NotificationChannel.Kind.SLACK)
    open_one = None if changed is None else changed.is_for.pk
    context = {
        "form": form,
        "channels": [
            (each, changed if each.pk == open_one else SlackChangeForm(each))
            for each in own.prefetch_related("slack_accounts__user")
        ],
        "open": open_one,
        "site": settings.AGENTSITE_URL,
    }
    return render(request, "notifications/slack.html", context, status=status)
