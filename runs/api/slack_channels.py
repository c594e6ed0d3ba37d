"""Endpoints of Slack channels and the accounts that decide there.

A Slack channel is a notification channel too: `/notification-channels` pauses, resumes and tries it. Where it leads
takes the scope `approve`: who knows its secret decides with it.
"""

from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from ninja import Router

from runs.api.auth import caller_of, caller_that_reads, check_scope, may_launch, may_read
from runs.api.errors import invalid_fields, not_found
from runs.api.serializers import answer
from runs.api.slack_schemas import (
    NewSlackChannel,
    SlackChannelChange,
    SlackChannelList,
    SlackChannelOut,
    slack_channel_as_json,
)
from runs.engine.control import slack_channels as control
from runs.engine.control.slack_channels import SlackChannelRefused, SlackSettings, SlackSettingsChange
from runs.models import ApiToken, NotificationChannel, SlackAccount

router = Router(tags=["Notifications"])


@router.get("/slack-channels", auth=may_read, response=SlackChannelList, operation_id="list_slack_channels")
def list_slack_channels(request: HttpRequest) -> HttpResponse:
    """List your Slack channels with the accounts that decide there, by name."""
    found = NotificationChannel.objects.filter(user=caller_of(request).user, kind=NotificationChannel.Kind.SLACK)
    return answer({"items": [slack_channel_as_json(each) for each in found.prefetch_related("slack_accounts__user")]})


@router.post(
    "/slack-channels",
    auth=may_launch,
    response={201: SlackChannelOut},
    operation_id="create_slack_channel",
    openapi_extra={
        "x-example": '{"name": "Approvals", "channel": "C0123456789", "token": "xoxb-…", "secret": "8f742231b10e…"}'
    },
)
def create_slack_channel(request: HttpRequest, body: NewSlackChannel) -> HttpResponse:
    """Make a Slack channel. Give its `request_path` to the app's interactivity. Takes the scopes `read` and `approve`
    too: whoever knows its secret can decide."""
    caller = caller_that_reads(request)
    check_scope(caller, ApiToken.Scope.APPROVE)
    try:
        made = control.create_slack_channel(SlackSettings(**body.dict()), by=caller.user)
    except SlackChannelRefused as refused:
        raise invalid_fields(refused.faults) from refused
    return answer(slack_channel_as_json(made), 201, Location=f"/api/v1/slack-channels/{made.pk}")


@router.get(
    "/slack-channels/{uuid:slack_channel_id}",
    auth=may_read,
    response=SlackChannelOut,
    operation_id="get_slack_channel",
)
def get_slack_channel(request: HttpRequest, slack_channel_id: UUID) -> HttpResponse:
    """Get one Slack channel with the accounts that decide there."""
    own = NotificationChannel.objects.filter(user=caller_of(request).user, kind=NotificationChannel.Kind.SLACK)
    found = own.filter(pk=slack_channel_id).first()
    if found is None:
        raise not_found("Slack channel")
    return answer(slack_channel_as_json(found))


@router.patch(
    "/slack-channels/{uuid:slack_channel_id}",
    auth=may_launch,
    response=SlackChannelOut,
    operation_id="change_slack_channel",
    openapi_extra={"x-example": '{"name": "Approvals of the shop"}'},
)
def change_slack_channel(request: HttpRequest, slack_channel_id: UUID, body: SlackChannelChange) -> HttpResponse:
    """Change what is sent of a Slack channel; its accounts stay. Another channel, token or secret activates a disabled
    one, and takes the scope `approve`. Takes the scope `read` too."""
    caller, change = caller_that_reads(request), SlackSettingsChange(**body.dict())
    if change.has_address:
        check_scope(caller, ApiToken.Scope.APPROVE)
    try:
        changed = control.change_slack_channel(slack_channel_id, change, by=caller.user)
    except SlackChannelRefused as refused:
        raise invalid_fields(refused.faults) from refused
    except NotificationChannel.DoesNotExist as gone:
        raise not_found("Slack channel") from gone
    return answer(slack_channel_as_json(changed))


@router.delete(
    "/slack-channels/{uuid:slack_channel_id}",
    auth=may_launch,
    response={204: None},
    operation_id="delete_slack_channel",
)
def delete_slack_channel(request: HttpRequest, slack_channel_id: UUID) -> HttpResponse:
    """Delete a Slack channel with its log and its accounts. Takes the scope `read` too."""
    caller = caller_that_reads(request)
    try:
        control.delete_slack_channel(slack_channel_id, by=caller.user)
    except NotificationChannel.DoesNotExist as gone:
        raise not_found("Slack channel") from gone
    return HttpResponse(status=204)


@router.delete(
    "/slack-accounts/{int:account_id}",
    auth=may_launch,
    response={204: None},
    operation_id="unlink_slack_account",
)
def unlink_slack_account(request: HttpRequest, account_id: int) -> HttpResponse:
    """Unlink a Slack account: one of yours, or one that decides in a channel of yours. Takes the scope `read` too."""
    caller = caller_that_reads(request)
    try:
        control.unlink_slack_account(account_id, by=caller.user)
    except (SlackAccount.DoesNotExist, PermissionDenied) as gone:
        raise not_found("Slack account") from gone
    return HttpResponse(status=204)
