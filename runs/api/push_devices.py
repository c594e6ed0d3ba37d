"""Endpoints of devices: browsers that are told by web push.

A device is a notification channel too: `/notification-channels` pauses, resumes, renames and tries it.
"""

from typing import Annotated, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from ninja import Router
from pydantic import Field

from runs.api.auth import caller_of, caller_that_reads, may_launch, may_read
from runs.api.errors import invalid_fields, not_found
from runs.api.notification_schemas import ChannelOut, channel_as_json
from runs.api.request_schemas import StrictSchema, Text
from runs.api.response_schemas import Sent
from runs.api.serializers import answer
from runs.engine.control.push_devices import MAX_DEVICE_NAME_CHARS, DeviceRefused, add_device, remove_device
from runs.engine.notifications.channels.push_encryption import public_site_key
from runs.engine.notifications.channels.web_push import MAX_ENDPOINT_CHARS, PushSubscription
from runs.models import NotificationChannel

router = Router(tags=["Notifications"])

DEVICE_ID: Final = "6d8f0a2c-4b6e-4d8f-9a1c-3e5f7a9b1c2d"
"""An id for the examples."""
_KEY: Final = "BLc4xRzKlKORKWlbdgFaBrrPK3ydWAHo4M0gs0i1oEKgPpWC5cW8OCzVrOQRv-1npXRWk8udnW3oYhIO4475rds"


class SubscriptionKeys(StrictSchema):
    """For whom to encrypt, in base64url."""

    p256dh: Annotated[Text, Field(min_length=1, max_length=200, examples=[_KEY])]
    auth: Annotated[Text, Field(min_length=1, max_length=100, examples=["5I2Bu2oKdyy9CwL8QVF0NQ"])]


class NewDevice(StrictSchema):
    """What a browser's `PushSubscription.toJSON()` says, and a name."""

    name: Annotated[Text, Field(min_length=1, max_length=MAX_DEVICE_NAME_CHARS)]
    endpoint: Annotated[
        Text,
        Field(
            min_length=1,
            max_length=MAX_ENDPOINT_CHARS,
            description="Of a push service that the site knows. It is stored sealed, and not told again.",
            examples=["https://fcm.googleapis.com/fcm/send/example"],
        ),
    ]
    keys: SubscriptionKeys


class DeviceList(Sent):
    """Your devices, by name."""

    items: list[ChannelOut]
    application_server_key: Annotated[
        str, Field(description="With which a browser subscribes, in base64url.", examples=[_KEY])
    ]


@router.get("/devices", auth=may_read, response=DeviceList, operation_id="list_devices")
def list_devices(request: HttpRequest) -> HttpResponse:
    """List your devices, and the key with which a browser subscribes."""
    own = NotificationChannel.objects.filter(user=caller_of(request).user, kind=NotificationChannel.Kind.WEB_PUSH)
    return answer({"items": [channel_as_json(each) for each in own], "application_server_key": public_site_key()})


@router.post(
    "/devices",
    auth=may_launch,
    response={201: ChannelOut},
    operation_id="add_device",
    openapi_extra={
        "x-example": '{"name": "Firefox, Linux", "endpoint": "https://updates.push.services.mozilla.com/wpush/v2/…", '
        '"keys": {"p256dh": "BLc4xRz…", "auth": "5I2Bu2o…"}}'
    },
)
def create_device(request: HttpRequest, body: NewDevice) -> HttpResponse:
    """Add a device by the subscription of its browser; one that is known already is changed. Your first device comes
    with a rule that tells of runs that wait for a person. Takes the scope `read` too."""
    caller = caller_that_reads(request)
    subscription = PushSubscription(endpoint=body.endpoint, p256dh=body.keys.p256dh, auth=body.keys.auth)
    try:
        made = add_device(subscription, name=body.name, rule_name=gettext("On my devices"), by=caller.user)
    except DeviceRefused as refused:
        raise invalid_fields({"endpoint": refused}) from refused
    return answer(channel_as_json(made), 201, Location=f"/api/v1/notification-channels/{made.pk}")


@router.delete("/devices/{uuid:device_id}", auth=may_launch, response={204: None}, operation_id="remove_device")
def delete_device(request: HttpRequest, device_id: UUID) -> HttpResponse:
    """Remove a device with its log. Takes the scope `read` too."""
    caller = caller_that_reads(request)
    try:
        remove_device(device_id, by=caller.user)
    except NotificationChannel.DoesNotExist as gone:
        raise not_found("device") from gone
    return HttpResponse(status=204)
