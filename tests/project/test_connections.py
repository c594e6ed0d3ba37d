"""Idle and slow connections, from one address and from many."""

import logging
import resource
import socket
from collections.abc import Callable
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.web.http import Request

from runs.client_address import TrustedProxies
from runs.management.http_server.connection_limits import AcceptTrouble, Connections, connections_of
from runs.management.http_server.http_channel import BODY_S, HEADERS_S, IDLE_S, SiteChannel
from tests.live_site import LiveSite


class Wire(StringTransport):
    """The server's transport of a connection."""

    def __init__(self, address: str = "192.0.2.1") -> None:
        super().__init__(peerAddress=IPv4Address("TCP", address, 4711))
        self.is_aborted = False

    def abortConnection(self) -> None:  # noqa: N802  Twisted's name
        self.is_aborted = True


class Asked(Request):
    """A request that the test itself answers."""

    def process(self) -> None:
        self.setResponseCode(204)


def opened(**limits: Any) -> tuple[SiteChannel, Wire, Clock]:
    """A new connection, over which nothing was sent yet."""
    clock, wire, channel = Clock(), Wire(), SiteChannel()
    channel.connections = connections(**limits)
    channel.requestFactory = Asked
    channel.callLater, channel.timeOut = clock.callLater, IDLE_S
    channel.makeConnection(wire)
    return channel, wire, clock


def connections(
    most: int = 10,
    most_waiting_of_address: int = 3,
    proxies: str = "0",
    clock: Callable[[], float] | None = None,
) -> Connections:
    """Connections with small limits. By default, each read advances the clock by 3 s."""
    return Connections(
        most=most,
        most_waiting_of_address=most_waiting_of_address,
        proxies=TrustedProxies.parse(proxies),
        clock=clock or count(0, 3).__next__,
    )


def drip(channel: SiteChannel, clock: Clock, pieces: list[bytes], seconds: float) -> None:
    """Send the pieces, one each `seconds`."""
    for piece in pieces:
        channel.dataReceived(piece)
        clock.advance(seconds)


def test_headers_that_drip_end_at_their_deadline_however_often_a_byte_comes():
    channel, wire, clock = opened()

    drip(channel, clock, [b"GET / HTTP/1.1\r\nX: ", *[b"a"] * int(HEADERS_S)], 1)

    assert wire.value().startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert b"Content-Security-Policy" in wire.value()
    clock.advance(5)
    assert wire.is_aborted


def test_a_connection_that_sends_nothing_ends_too():
    _, wire, clock = opened()

    clock.advance(HEADERS_S + 1)

    assert wire.value().startswith(b"HTTP/1.1 408 ")


def test_a_body_that_drips_ends_at_its_deadline():
    channel, wire, clock = opened()

    drip(channel, clock, [b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n", *[b"a"] * int(BODY_S + 1)], 1)

    assert wire.value().startswith(b"HTTP/1.1 408 ")


def test_a_request_that_came_in_time_may_be_answered_late_and_the_next_has_a_deadline_of_its_own():
    channel, wire, clock = opened()

    channel.dataReceived(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    clock.advance(10 * BODY_S)
    answered_late = wire.value()
    channel.requests[0].finish()
    clock.advance(HEADERS_S + 1)
    kept = wire.value()
    drip(channel, clock, [b"GET / HTTP/1.1\r\nX: ", *[b"a"] * int(HEADERS_S)], 1)

    assert answered_late == b""
    assert b"408" not in kept
    assert b"HTTP/1.1 408 " in wire.value()


@pytest.mark.parametrize(
    "headers", [b"X: " + b"a" * 20_000 + b"\r\n", b"X: a\r\n" * 200, (b"X: " + b"a" * 8000 + b"\r\n") * 3]
)
def test_headers_without_end_are_refused(headers):
    channel, wire, _ = opened()

    channel.dataReceived(b"GET / HTTP/1.1\r\n" + headers)

    assert wire.value().startswith(b"HTTP/1.1 431 ")
    assert b"X-Content-Type-Options: nosniff" in wire.value()


def test_one_more_of_an_address_closes_the_one_that_has_waited_longest(caplog):
    held = connections()
    wires = [Wire() for _ in range(4)]

    for wire in wires:
        assert held.admits("192.0.2.1")
        held.opened(wire, "192.0.2.1")

    assert [wire.is_aborted for wire in wires] == [True, False, False, False]
    assert "192.0.2.1 has 3 connections that wait" in caplog.text


def test_many_of_one_address_that_come_at_once_have_a_moment_to_send_their_requests():
    held = connections(most=100, clock=lambda: 0.0)
    wires = [Wire() for _ in range(50)]

    for wire in wires:
        assert held.admits("192.0.2.1")
        held.opened(wire, "192.0.2.1")

    assert not any(wire.is_aborted for wire in wires)


def test_a_connection_whose_request_is_answered_is_closed_for_no_other():
    held = connections()
    busy, *others = [Wire() for _ in range(5)]

    for wire in (busy, *others):
        held.admits("192.0.2.1")
        held.opened(wire, "192.0.2.1")
        if wire is busy:
            held.works(busy)

    assert [wire.is_aborted for wire in (busy, *others)] == [False, True, False, False, False]


def test_a_full_server_makes_room_at_the_address_that_holds_most_and_refuses_if_all_are_busy():
    held = connections(most=4)
    few, many = Wire(), [Wire() for _ in range(3)]
    for wire, address in [(few, "192.0.2.1"), *((wire, "198.51.100.1") for wire in many)]:
        held.opened(wire, address)

    assert held.admits("192.0.2.9")
    assert [few.is_aborted, many[0].is_aborted] == [False, True]
    held.opened(Wire(), "192.0.2.9")
    for wire in list(held._open):
        held.works(wire)
    assert not held.admits("192.0.2.8")


def test_a_trusted_proxy_holds_as_many_as_it_needs():
    held = connections(most=100, proxies="10.0.0.1")
    wires = [Wire() for _ in range(20)]

    for wire in wires:
        assert held.admits("10.0.0.1")
        held.opened(wire, "10.0.0.1")

    assert not any(wire.is_aborted for wire in wires)


def test_file_descriptors_are_kept_back_for_everything_else():
    few, many = connections_of(256), connections_of(1_000_000)

    assert few._most == 192
    assert many._most == 4000


def test_what_twisted_says_of_failed_accepts_is_one_line_a_minute(caplog):
    trouble = AcceptTrouble()
    event = {
        "log_namespace": "twisted.internet.tcp",
        "log_format": "Could not accept new connection ({acceptErrorCode})",
        "acceptErrorCode": "EMFILE",
    }

    with caplog.at_level(logging.WARNING):
        for _ in range(50):
            trouble(event)

    assert [record.getMessage() for record in caplog.records] == [
        "A connection could not be accepted: Could not accept new connection (EMFILE)."
    ]


@pytest.fixture
def lower_limit():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 512), hard))
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_three_hundred_dripping_connections_keep_nobody_out(start_site, lower_limit):
    site = start_site(AGENTSITE_MAX_CONNECTIONS="150")
    host, port = site.url.removeprefix("http://").split(":")
    dripping = []
    for number in range(300):
        each = socket.create_connection((host, int(port)), source_address=(f"127.0.{number % 10}.9", 0))
        each.sendall(b"GET / HTTP/1.1\r\nX: ")
        dripping.append(each)

    answers = [get(site, "/healthz", source) for source in ("127.0.0.1", "127.0.3.9", "127.0.0.1")]

    assert answers == [200] * 3
    assert f"{lower_limit}" in limit_of_files(site), "raised at the start as far as it may be"
    assert "the most there may be" in site.log.read_text()
    for each in dripping:
        each.close()


def get(site: LiveSite, path: str, source: str) -> int:
    connection = HTTPConnection(site.url.removeprefix("http://"), timeout=10, source_address=(source, 0))
    connection.request("GET", path)
    status = connection.getresponse().status
    connection.close()
    return status


def limit_of_files(site: LiveSite) -> str:
    lines = Path(f"/proc/{site.process.pid}/limits").read_text().splitlines()
    return next(line for line in lines if line.startswith("Max open files")).split()[3]
