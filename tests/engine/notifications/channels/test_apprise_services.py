"""Messages by Apprise, with stand-ins that check the documented formats of services."""

import asyncio
import gzip
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from runs.engine.notifications.channels import ChannelFailed, Decidable, Sendable, apprise_services
from runs.engine.notifications.channels.apprise_services import AppriseChannel, apprise_fault
from runs.engine.notifications.channels.guarded_connections import MAX_RESPONSE_BYTES, HostNotAllowed, checked_host
from tests.webhook_receiver import DRIPPING, ENDLESS, NEVER, Reply, WebhookReceiver

MESSAGE = Sendable(
    message_id="1",
    event="run.failed",
    title="Weekly report failed: Sales",
    text="The model server is gone.",
    url="https://agents.example.org/runs/1/",
    severity="error",
)


@pytest.fixture
def receiver(settings: Any) -> Iterator[WebhookReceiver]:
    """A service on this machine, which the settings allow."""
    with WebhookReceiver() as started:
        settings.AGENTSITE_WEBHOOK_HOSTS = [("127.0.0.1", started.port)]
        started.choose = lambda _: Reply(200, body=b"ok")
        yield started


def send(address: str, message: Sendable = MESSAGE) -> None:
    """Send it once."""
    asyncio.run(AppriseChannel().send(address, message))


def test_a_server_of_ones_own_gets_json(receiver: WebhookReceiver) -> None:
    send(f"json://127.0.0.1:{receiver.port}/tell")

    (request,) = receiver.received
    told = json.loads(request.body)
    assert (request.path, told["title"], told["type"]) == ("/tell", MESSAGE.title, "failure")
    assert MESSAGE.text in told["message"] and MESSAGE.url in told["message"]


def test_ntfy_gets_a_topic_a_title_and_a_message(receiver: WebhookReceiver) -> None:
    receiver.choose = lambda _: Reply(200, body=b'{"id": "1", "event": "message"}')

    send(f"ntfy://127.0.0.1:{receiver.port}/agents")

    (request,) = receiver.received
    told = json.loads(request.body)
    assert (told["topic"], told["title"]) == ("agents", MESSAGE.title)
    assert MESSAGE.text in told["message"]


def test_mattermost_gets_the_json_of_its_incoming_webhooks(receiver: WebhookReceiver) -> None:
    send(f"mmost://127.0.0.1:{receiver.port}/3ccdd113474722377935511fc85d3dd4")

    (request,) = receiver.received
    assert request.path == "/hooks/3ccdd113474722377935511fc85d3dd4"
    assert MESSAGE.text in json.loads(request.body)["text"]


def test_what_asks_is_told_with_the_link_that_decides(receiver: WebhookReceiver) -> None:
    call = Decidable(
        call_id=uuid4(),
        waits_for="approval",
        tool_name="send_letter",
        arguments='{"to": "Bea"}',
        url="https://agents.example.org/decide/x/",
    )
    asking = Sendable(message_id="1", event="run.needs_person", title="Ask", text="", decisions=(call,))

    send(f"json://127.0.0.1:{receiver.port}/", asking)

    message = json.loads(receiver.received[0].body)["message"]
    assert 'send_letter {"to": "Bea"}' in message and call.url in message


def test_texts_of_others_are_no_markup_of_a_messenger(receiver: WebhookReceiver) -> None:
    evil = "<!channel> @everyone [Approve](http://evil.example) <a href='//evil.example'>here</a> [x][1]\n[1]: //evil"
    call = Decidable(call_id=uuid4(), waits_for="answer", tool_name="ask", arguments="{}", question=evil)
    message = Sendable(message_id="1", event="x", title=evil, text=evil, url="https://a.example/<", decisions=(call,))

    send(f"mmost://127.0.0.1:{receiver.port}/3ccdd113474722377935511fc85d3dd4", message)

    told = json.loads(receiver.received[0].body)["text"]
    assert told.count("Approve") == 3 and told.endswith("https://a.example/<")
    assert [sign for sign in ("<!", "<a", "@e", "](", "][", "]:") if sign in told] == []


def test_a_service_that_refuses_fails_without_telling_its_address(receiver: WebhookReceiver) -> None:
    receiver.choose = lambda _: Reply(403, body=b"no")
    secret = "3ccdd113474722377935511fc85d3dd4"

    with pytest.raises(ChannelFailed) as failed:
        send(f"mmost://127.0.0.1:{receiver.port}/{secret}")

    assert "403" in failed.value.told
    assert secret not in failed.value.told and not failed.value.is_permanent


def test_a_short_part_of_an_address_leaves_the_words_of_a_failure_readable(
    receiver: WebhookReceiver, settings: Any
) -> None:
    receiver.choose = lambda _: Reply(500, body=b"no")
    with pytest.raises(ChannelFailed) as failed:
        send(f"ntfy://127.0.0.1:{receiver.port}/e")
    settings.AGENTSITE_WEBHOOK_HOSTS = []
    with pytest.raises(ChannelFailed, match=r"^The port 81 is not allowed\.$"):
        send("ntfy://127.0.0.1:81/t")

    assert "500" in failed.value.told
    assert not re.search(r"\w\[hidden\]|\[hidden\]\w", failed.value.told)


def test_nothing_is_sent_into_ones_own_network_unless_the_settings_name_the_host(
    receiver: WebhookReceiver, settings: Any
) -> None:
    settings.AGENTSITE_WEBHOOK_HOSTS = []

    for address in (f"json://127.0.0.1:{receiver.port}/", "json://localhost:8080/", "json://169.254.169.254/latest"):
        with pytest.raises(ChannelFailed, match=r"not on the public internet|is not allowed"):
            send(address)

    assert receiver.received == []


def test_a_redirect_leads_nowhere_else(receiver: WebhookReceiver) -> None:
    with WebhookReceiver() as other:
        receiver.choose = lambda _: Reply(302, (("location", f"http://127.0.0.1:{other.port}/"),))

        with pytest.raises(ChannelFailed):
            send(f"json://127.0.0.1:{receiver.port}/")

        assert other.received == []


@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.1", "[::1]", "169.254.169.254"])
def test_a_host_of_ones_own_network_is_not_connected_to(host: str, settings: Any) -> None:
    settings.AGENTSITE_WEBHOOK_HOSTS = []

    with pytest.raises(HostNotAllowed):
        checked_host(host, 80)


@pytest.mark.parametrize(
    "address",
    [
        *("file:///tmp/x", "exec://ls", "dbus://", "syslog://", "windows://", "macosx://", "mailto://u:p@example.org"),
        *("json://h/?template=/etc/passwd", "fcm://x/y?keyfile=/etc/passwd", "json://", "", "x" * 3000, "json://a b"),
    ],
)
def test_what_acts_on_this_machine_or_is_no_address_is_refused(address: str) -> None:
    assert apprise_fault(address) is not None


@pytest.fixture
def _soon_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """All requests of a message have half a second."""
    monkeypatch.setattr(apprise_services, "SEND_LIMIT_S", 0.5)


@pytest.mark.usefixtures("_soon_over")
@pytest.mark.parametrize("reply", [NEVER, DRIPPING], ids=["never", "dripping"])
def test_a_service_that_answers_by_the_byte_or_never_holds_no_thread(receiver: WebhookReceiver, reply: Reply) -> None:
    receiver.choose = lambda _: reply
    began = time.monotonic()

    asyncio.run(_tried(receiver))

    assert time.monotonic() - began < 5, "A read may take longer, and each byte begins another."
    for each in threading.enumerate():
        if each.name == "tool _send":
            each.join(5)
            assert not each.is_alive()


async def _tried(receiver: WebhookReceiver) -> None:
    try:
        async with asyncio.timeout(20):
            await AppriseChannel().send(f"json://127.0.0.1:{receiver.port}/", MESSAGE)
    except ChannelFailed as failed:
        assert failed.told == "It took longer than 0.5 s."  # noqa: PT017 - a status that came in time may count instead


@pytest.mark.usefixtures("_soon_over")
def test_an_address_of_many_receivers_ends_with_the_time_of_its_message(
    receiver: WebhookReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver.choose = lambda _: NEVER
    connected = _connections(monkeypatch)
    topics = "/".join(f"topic{number}" for number in range(100))

    with pytest.raises(ChannelFailed, match=r"It took longer than 0\.5 s\."):
        send(f"ntfy://127.0.0.1:{receiver.port}/{topics}")

    assert len(connected) == len(receiver.received) == 1


def _connections(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The addresses that sockets connect to from now on."""
    addresses: list[Any] = []
    connect = socket.socket.connect

    def noted(own: socket.socket, address: Any) -> None:
        if own.type == socket.SOCK_STREAM:
            addresses.append(address)
        connect(own, address)

    monkeypatch.setattr(socket.socket, "connect", noted)
    return addresses


def test_the_status_decides_also_where_the_body_breaks_off(receiver: WebhookReceiver) -> None:
    receiver.choose = lambda _: Reply(200, (("content-length", "1000"),), b"cut", kind="broken")

    send(f"json://127.0.0.1:{receiver.port}/")


def test_of_a_body_without_end_the_beginning_is_read(
    receiver: WebhookReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = _sizes_read(monkeypatch)
    receiver.choose = lambda _: ENDLESS

    send(f"json://127.0.0.1:{receiver.port}/")

    assert MAX_RESPONSE_BYTES <= sum(read) < 2 * MAX_RESPONSE_BYTES


def test_a_compressed_body_is_unpacked_up_to_the_same_size(
    receiver: WebhookReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = _sizes_read(monkeypatch)
    receiver.choose = lambda _: Reply(
        200, (("content-encoding", "gzip"),), gzip.compress(bytes(50 * MAX_RESPONSE_BYTES))
    )

    send(f"json://127.0.0.1:{receiver.port}/")

    assert MAX_RESPONSE_BYTES <= sum(read) < 2 * MAX_RESPONSE_BYTES


def _sizes_read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the pieces that the library reads of bodies from now on."""
    import requests

    sizes: list[int] = []
    whole = requests.Response.iter_content

    def iter_content(response: requests.Response, *arguments: Any, **options: Any) -> Iterator[Any]:
        for piece in whole(response, *arguments, **options):
            sizes.append(len(piece))
            assert sum(sizes) < 10 * MAX_RESPONSE_BYTES, "It reads on and on."
            yield piece

    monkeypatch.setattr(requests.Response, "iter_content", iter_content)
    return sizes
