"""One request to a receiver, whatever that does."""

import ssl
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import WebhookVerificationError

from runs.agent.redaction.redactor import Redactor
from runs.agent.tools.web.host_rules import HostRules
from runs.engine.webhooks.request import MAX_RESPONSE_CHARS, Told, tell
from runs.engine.webhooks.signing import new_secret
from runs.models import WebhookAttempt
from tests.agent.tools.web.conftest import certificate  # noqa: F401 - a fixture
from tests.webhook_receiver import BROKEN, DRIPPING, ENDLESS, GARBAGE, NEVER, RESET, Reply, WebhookReceiver

Outcome = WebhookAttempt.Outcome
SECRET = new_secret()
LIMIT_S = 0.5


async def told_to(receiver: WebhookReceiver, *reply: Reply, **options: Any) -> Told:
    """The result of one attempt at a receiver that answers with `reply`."""
    if reply:
        receiver.replies["/hook"] = list(reply)
    rules = HostRules(frozenset({("127.0.0.1", receiver.port)}))
    about: dict[str, Any] = {"rules": rules, "redactor": Redactor(), "limit_s": LIMIT_S, "signing": [SECRET]} | options
    return await tell(receiver.url(), "evt_1", '{"type":"run.completed","data":{"who":"Ådä"}}', **about)


async def test_a_receiver_verifies_the_request_with_the_secret_and_with_no_other(receiver: WebhookReceiver) -> None:
    told = await told_to(receiver)

    (request,) = receiver.received
    assert (told.outcome, told.status) == (Outcome.DELIVERED, 204)
    assert (request.id, request.headers["content-type"]) == ("evt_1", "application/json")
    assert request.verified(SECRET) == {"type": "run.completed", "data": {"who": "Ådä"}}
    with pytest.raises(WebhookVerificationError):
        request.verified(new_secret())


async def test_both_secrets_of_a_rotation_verify_the_request(receiver: WebhookReceiver) -> None:
    other = new_secret()

    await told_to(receiver, signing=[other, SECRET])

    (request,) = receiver.received
    assert len(request.headers["webhook-signature"].split(" ")) == 2
    assert request.verified(SECRET) == request.verified(other)


@pytest.mark.parametrize(
    ("reply", "outcome", "status"),
    [
        (Reply(200, body=b"thanks"), Outcome.DELIVERED, 200),
        (Reply(500, body=b"down"), Outcome.REFUSED, 500),
        (Reply(404), Outcome.REFUSED, 404),
        (Reply(410), Outcome.REFUSED, 410),
        (Reply(302, (("location", "http://127.0.0.1:1/"),)), Outcome.REDIRECT, 302),
        (NEVER, Outcome.TIMEOUT, None),
        (RESET, Outcome.BROKEN, None),
        (GARBAGE, Outcome.BROKEN, None),
        (BROKEN, Outcome.DELIVERED, 200),
        (ENDLESS, Outcome.DELIVERED, 200),
        (DRIPPING, Outcome.DELIVERED, 200),
    ],
    ids=lambda each: getattr(each, "kind", None),
)
async def test_the_status_decides_and_whatever_else_comes_is_an_outcome(
    receiver: WebhookReceiver, reply: Reply, outcome: WebhookAttempt.Outcome, status: int | None
) -> None:
    told = await told_to(receiver, reply)

    assert (told.outcome, told.status) == (outcome, status)
    assert len(receiver.received) == 1
    assert len(told.response) <= MAX_RESPONSE_CHARS
    assert told.is_cut == (reply in (BROKEN, ENDLESS, DRIPPING))


async def test_a_receiver_that_is_not_there_is_no_connection(receiver: WebhookReceiver) -> None:
    rules = HostRules(frozenset({("127.0.0.1", 1)}))

    told = await tell("http://127.0.0.1:1/", "evt_1", "{}", [SECRET], rules=rules, redactor=Redactor())

    assert (told.outcome, told.status) == (Outcome.CONNECTION, None)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "127.1", "[::1]", "169.254.169.254"])
async def test_no_connection_is_made_to_an_address_that_the_settings_do_not_name(
    receiver: WebhookReceiver, host: str
) -> None:
    url = receiver.url(host=host)

    told = await tell(url, "evt_1", "{}", [SECRET], rules=HostRules(ports=(receiver.port,)), redactor=Redactor())

    assert (told.outcome, told.status) == (Outcome.ADDRESS, None)
    assert receiver.received == []


async def test_an_untrusted_certificate_is_refused(certificate: Path) -> None:  # noqa: F811 - the fixture
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(str(certificate))

    with WebhookReceiver(tls=context) as secure:
        told = await told_to(secure)

    assert (told.outcome, told.status) == (Outcome.TLS, None)
    assert "certificate" in told.response.lower()
    assert secure.received == []


async def test_what_is_kept_of_a_response_is_short_readable_and_without_secrets(receiver: WebhookReceiver) -> None:
    body = b"\x1b[31mkey=" + SECRET.encode() + b"\x00\xff\xe2\x80\xae" + b"a" * 5000

    told = await told_to(receiver, Reply(500, body=body), redactor=Redactor([SECRET]))

    assert told.is_cut
    assert len(told.response) == MAX_RESPONSE_CHARS
    assert SECRET not in told.response
    assert told.response.startswith("key=[hidden]")
    assert not {"\x1b", "\x00", "\u202e"} & set(told.response)


@pytest.mark.parametrize(
    ("header", "asked_s"),
    [
        *(("120", 120), ("0", 0), ("Thu, 01 Jan 1970 00:00:00 GMT", 0)),
        *(("-1", None), ("soon", None), ("²", None), ("", None)),
    ],
)
async def test_retry_after_is_read_as_a_number_or_a_date(
    receiver: WebhookReceiver, header: str, asked_s: float | None
) -> None:
    told = await told_to(receiver, Reply(503, (("retry-after", header.encode().decode("latin-1")),)))

    assert told.retry_after_s == asked_s


async def test_only_a_busy_receiver_may_ask_for_a_wait(receiver: WebhookReceiver) -> None:
    told = await told_to(receiver, Reply(500, (("retry-after", "120"),)))

    assert told.retry_after_s is None
