"""Bodies that come slowly, never, too long or with a wrong length, at the addresses that take requests of strangers."""

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from http.client import HTTPConnection
from typing import Any
from uuid import uuid4

import pytest

from tests.live_site import LiveSite
from tests.project.test_bodies import CHUNKED, KNOWN_LENGTH, PIECE, answer, posting
from tests.simultaneous_senders import BODY, SET_UP
from tests.trigger_senders import signed

COUNT = "from runs.models import Delivery, Run; print(Run.objects.count(), Delivery.objects.count())"
DOORS = ("/hooks/agh_unknown", f"/hooks/slack/{uuid4()}", "/decide/unknown/")


@pytest.fixture(params=DOORS, ids=["trigger", "slack", "decision link"])
def door(request: pytest.FixtureRequest) -> str:
    """An address that takes requests of strangers."""
    return str(request.param)


def test_a_body_that_drips_or_never_comes_is_answered_with_408(start_site: Any):
    site = start_site(AGENTSITE_BODY_LIMIT_S="1")
    begins = {"Content-Length: 1000": b"{", CHUNKED: b"1\r\n{\r\n"}

    with ExitStack() as opened:
        slow = [
            (opened.enter_context(posting(site, door, length)), first)
            for door in DOORS
            for length, first in begins.items()
            for first in (first, b"")
        ]
        for connection, first in slow:
            connection.sendall(first)
        answers = [answer(connection)[0] for connection, _ in slow]

    assert answers == [408] * len(slow)


def test_a_byte_now_and_then_does_not_lengthen_the_time_for_a_body(start_site: Any):
    site = start_site(AGENTSITE_BODY_LIMIT_S="2")

    with posting(site, DOORS[0], "Content-Length: 100000") as connection:
        dripped, said = 0, b""
        connection.settimeout(0.05)
        while not said and dripped < 400:
            dripped += 1
            connection.sendall(b" ")
            with suppress(TimeoutError):
                said = connection.recv(4096)

    assert said.startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("length", [KNOWN_LENGTH, CHUNKED])
def test_a_body_over_the_limit_is_refused_before_it_has_come(live_site: LiveSite, door: str, length: str):
    with posting(live_site, door, length) as connection:
        if length == CHUNKED:
            connection.sendall(PIECE * 17)
        status, _, _ = answer(connection)

    assert status == 413


@pytest.mark.parametrize("length", ["-1", "+2", "0x2", "2, 3", "x", "", "2\r\nContent-Length: 3", f"2\r\n{CHUNKED}"])
def test_a_length_that_is_none_or_two_is_refused(live_site: LiveSite, door: str, length: str):
    with posting(live_site, door, f"Content-Length: {length}") as connection:
        connection.sendall(b"{}")
        status, _, _ = answer(connection)

    assert status == 400


@pytest.mark.parametrize("size", ["zz", "-1", "1;" + "x" * 20_000])
def test_a_chunk_without_a_length_is_refused(live_site: LiveSite, door: str, size: str):
    with posting(live_site, door, CHUNKED) as connection:
        connection.sendall(f"{size}\r\n{{}}\r\n".encode())
        status, _, _ = answer(connection)

    assert status == 400


def test_what_a_sender_leaves_off_or_adds_makes_no_delivery(live_site: LiveSite):
    token = live_site.ask(SET_UP)
    headers = [f"{name}: {value}" for name, value in signed(BODY).items()]
    before = live_site.ask(COUNT)

    with posting(live_site, f"/hooks/{token}", *headers, f"Content-Length: {len(BODY) + 1}") as connection:
        connection.sendall(BODY)
        connection.shutdown(socket.SHUT_WR)
        cut_off = b"".join(_read(connection))
    with posting(live_site, f"/hooks/{token}", *headers, f"Content-Length: {len(BODY) - 1}") as connection:
        connection.sendall(BODY)
        shortened, _, _ = answer(connection)
    left = live_site.ask(COUNT)
    whole = HTTPConnection(live_site.url.removeprefix("http://"), timeout=20)
    whole.request("POST", f"/hooks/{token}", BODY, signed(BODY))
    taken = whole.getresponse()

    assert b" 202 " not in cut_off and shortened == 404
    assert (before, left) == ("0 0", "0 0")
    assert taken.status == 202 and json.loads(taken.read())["state"]
    whole.close()


def _read(connection: socket.socket) -> Iterator[bytes]:
    with suppress(ConnectionError):
        while piece := connection.recv(4096):
            yield piece
