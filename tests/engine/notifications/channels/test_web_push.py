"""Messages to browsers, by a push service that checks the signature and a browser that decrypts."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from runs.engine.notifications.channels import ChannelFailed, Decidable, Sendable
from runs.engine.notifications.channels.push_encryption import base64url, encrypted, from_base64url, public_site_key
from runs.engine.notifications.channels.web_push import PushSubscription, SubscriptionRefused, WebPushChannel
from tests.push_service import Browser, PushService, running_push_service


@pytest.fixture
def service(settings: Any) -> Iterator[PushService]:
    with running_push_service() as running:
        settings.AGENTSITE_PUSH_HOSTS = [("127.0.0.1", urlsplit(running.url).port)]
        settings.AGENTSITE_URL = "https://agents.example.org"
        yield running


def message(**about: Any) -> Sendable:
    told = {"message_id": "m1", "event": "run.failed", "title": "ada failed: a task", "text": "Nobody knows why."}
    return Sendable(**told | about)


def test_the_encryption_is_that_of_the_example_in_rfc_8291() -> None:
    """Section 5 and appendix A."""
    private = int.from_bytes(from_base64url("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"), "big")
    browser = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"

    body = encrypted(
        b"When I grow up, I want to be a watermelon",
        p256dh=from_base64url(browser),
        auth=from_base64url("BTBZMqHH6r4Tts7J_aSIgg"),
        salt=from_base64url("DGv6ra1nlYgDCS1FRnbzlw"),
        sender=ec.derive_private_key(private, ec.SECP256R1()),
    )

    assert base64url(body) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl"
        "7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


async def test_a_message_arrives_encrypted_signed_and_with_a_topic_of_its_run(service: PushService) -> None:
    run_id, address = uuid4(), PushSubscription(**service.subscription()).as_text()
    call = Decidable(
        call_id=uuid4(),
        waits_for="approval",
        tool_name="send",
        arguments='{"to": "bob"}',
        token="t",
        url="https://x/d/t/",
    )

    await WebPushChannel().send(
        address, message(run_id=run_id, decisions=(call,), url=f"https://agents.example.org/runs/{run_id}/")
    )

    (received,) = service.received
    headers, told = received["headers"], received["told"]
    assert told == {
        "title": "ada failed: a task",
        "body": 'send {"to": "bob"}',
        "path": f"/runs/{run_id}/",
        "tag": str(run_id),
    }
    assert (headers["topic"], headers["urgency"], headers["ttl"]) == (run_id.hex, "high", "86400")
    assert service.faults == []


async def test_a_long_message_is_cut_to_what_a_push_service_takes(service: PushService) -> None:
    address = PushSubscription(**service.subscription()).as_text()

    await WebPushChannel().send(address, message(title="\U0001f600" * 300, text="\U0001f600" * 5000))

    assert service.faults == []
    assert service.received[0]["told"]["title"] == "\U0001f600" * 150


@pytest.mark.parametrize(("status", "is_permanent"), [(404, True), (410, True), (429, False), (500, False)])
async def test_a_device_that_has_unsubscribed_is_told_nothing_more(
    service: PushService, status: int, is_permanent: bool
) -> None:
    service.next_statuses.append(status)

    with pytest.raises(ChannelFailed) as failed:
        await WebPushChannel().send(PushSubscription(**service.subscription()).as_text(), message())

    assert failed.value.is_permanent == is_permanent


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://fcm.googleapis.com/x",
        "https://fcm.googleapis.com:8443/x",
        "https://fcm.googleapis.com.evil.example/x",
        "https://evilpush.apple.com/x",
        "https://user@fcm.googleapis.com/x",
        "https://127.0.0.1/x",
        "https://example.org/x",
        "file:///etc/passwd",
        "https://fcm.googleapis.com/" + "x" * 1000,
        "",
    ],
)
def test_only_push_services_are_sent_to(endpoint: str) -> None:
    browser = Browser()
    about = {"p256dh": base64url(browser.public), "auth": base64url(browser.auth)}

    with pytest.raises(SubscriptionRefused):
        PushSubscription(endpoint=endpoint, **about).check()

    for known in ("https://fcm.googleapis.com/fcm/send/x", "https://wns2-by3p.notify.windows.com/w/?token=x"):
        PushSubscription(endpoint=known, **about).check()


@pytest.mark.parametrize(
    ("p256dh", "auth"), [("", ""), ("AAAA", "A" * 22), ("ä", "ö"), ("B" * 87, "A" * 22), ("B" * 87, "A")]
)
def test_keys_that_are_none_are_refused(p256dh: str, auth: str) -> None:
    with pytest.raises(SubscriptionRefused):
        PushSubscription(endpoint="https://fcm.googleapis.com/x", p256dh=p256dh, auth=auth).check()


def test_all_processes_of_a_site_have_the_same_key_and_other_sites_another_one(settings: Any) -> None:
    own = public_site_key()

    again = public_site_key()
    settings.SECRET_KEY = "another secret key of a site, which is as long as one"

    assert own == again != public_site_key()
    assert len(from_base64url(own)) == 65
