"""What strangers send to the address of a trigger, against a real server: it is refused, and leaves nothing behind."""

import http.client
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from urllib.parse import urlsplit

import pytest

from tests.live_site import LiveSite
from tests.simultaneous_senders import BODY, SET_UP
from tests.trigger_senders import signed

COUNT = "from runs.models import Delivery, Run; print(Run.objects.count(), Delivery.objects.count())"
CHUNK = b"8000\r\n" + b"x" * 0x8000 + b"\r\n"


@pytest.fixture
def token(live_site: LiveSite) -> str:
    """The token of a trigger of GitHub."""
    return live_site.ask(SET_UP)


def answer_to(site: LiveSite, head: str, *pieces: bytes) -> bytes:
    """The beginning of the response to a request that is sent piece by piece, until the server answers."""
    host = urlsplit(site.url)
    with socket.create_connection((host.hostname, host.port), timeout=30) as connection, suppress(ConnectionError):
        connection.sendall(head.encode())
        connection.settimeout(0.01)
        for piece in pieces:
            try:
                return connection.recv(4096)
            except TimeoutError:
                connection.sendall(piece)
        connection.settimeout(30)
        return connection.recv(4096)
    return b""  # it was cut off


def post(site: LiveSite, token: str, body: bytes, headers: dict[str, str]) -> int:
    connection = http.client.HTTPConnection(urlsplit(site.url).netloc, timeout=30)
    try:
        connection.request("POST", f"/hooks/{token}", body, headers)
        return connection.getresponse().status
    finally:
        connection.close()


def test_a_chunked_body_without_an_end_is_refused_at_the_limit(live_site: LiveSite, token: str):
    head = (
        f"POST /hooks/{token} HTTP/1.1\r\nHost: {urlsplit(live_site.url).netloc}\r\nTransfer-Encoding: chunked\r\n\r\n"
    )

    answer = answer_to(live_site, head, *[CHUNK] * 1000)

    assert answer.startswith(b"HTTP/1.1 413")


def test_a_flood_of_headers_is_refused(live_site: LiveSite, token: str):
    lines = "".join(f"X-Number-{number}: {'v' * 500}\r\n" for number in range(2000))
    head = f"POST /hooks/{token} HTTP/1.1\r\nHost: {urlsplit(live_site.url).netloc}\r\n{lines}\r\n"

    answer = answer_to(live_site, head)

    assert answer == b"" or answer.startswith(b"HTTP/1.1 4")
    assert post(live_site, token, BODY, signed(BODY)) == 202


def test_three_hundred_forged_requests_at_once_write_nothing_and_a_signed_one_is_taken(live_site: LiveSite, token: str):
    forged = signed(BODY, secret="a forged secret")

    with ThreadPoolExecutor(50) as strangers:
        statuses = set(strangers.map(lambda _: post(live_site, token, BODY, forged), range(300)))
        taken = post(live_site, token, BODY, signed(BODY))

    assert statuses <= {404, 429}
    assert taken == 202
    assert live_site.ask(COUNT) == "1 1"
