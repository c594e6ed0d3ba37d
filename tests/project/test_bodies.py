"""Limits of request bodies, also of clients that are not signed in."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest

from tests.live_site import LiveSite

LIMIT = 2**20
PIECE = b"10000\r\n" + b"x" * 2**16 + b"\r\n"
KNOWN_LENGTH = f"Content-Length: {300 * 2**20}"
CHUNKED = "Transfer-Encoding: chunked"


def test_a_body_over_the_limit_is_refused_at_its_headers_in_the_shape_of_the_api(live_site):
    with posting(live_site, "/api/v1/runs", KNOWN_LENGTH) as connection:
        status, content_type, body = answer(connection)

    assert (status, content_type) == (413, "application/json")
    assert json.loads(body) == {
        "error": {
            "code": "too_large",
            "message": "The body is longer than 1 MiB.",
            "severity": "warning",
            "recoverable": True,
            "suggested_action": "Send less.",
        }
    }


@pytest.mark.parametrize("length", [KNOWN_LENGTH, CHUNKED])
def test_a_delivery_over_the_limit_is_refused_before_it_has_come_in_the_shape_of_the_api(live_site, length):
    with posting(live_site, "/hooks/agh_unknown", length) as connection:
        if length == CHUNKED:
            connection.sendall(PIECE * 17)
        status, content_type, body = answer(connection)

    assert (status, content_type) == (413, "application/json")
    assert json.loads(body)["error"]["code"] == "too_large"


def test_a_delivery_that_is_too_long_for_a_trigger_is_refused_whether_the_trigger_is_known_or_not(live_site):
    connection = HTTPConnection(live_site.url.removeprefix("http://"), timeout=20)
    connection.request("POST", "/hooks/agh_unknown", body=b"x" * (LIMIT // 2 + 1))
    response = connection.getresponse()

    assert response.status == 413
    assert "512 KiB" in json.loads(response.read())["error"]["message"]
    connection.close()


def test_deliveries_that_never_end_keep_no_other_one_waiting(live_site):
    began = [posting(live_site, "/hooks/agh_unknown", "Content-Length: 1000") for _ in range(30)]
    with ExitStack() as opened:
        for each in began:
            opened.enter_context(each).sendall(b"{")
        connection = HTTPConnection(live_site.url.removeprefix("http://"), timeout=20)
        connection.request("POST", "/hooks/agh_unknown", body=b"{}")

        assert connection.getresponse().status == 404
        connection.close()


def test_outside_of_the_api_the_refusal_is_a_line_of_text(live_site):
    with posting(live_site, "/accounts/login/", KNOWN_LENGTH) as connection:
        status, content_type, body = answer(connection)

    assert (status, content_type) == (413, "text/plain; charset=utf-8")
    assert body == b"The body is longer than 1 MiB.\n"


def test_a_browser_that_shows_the_refusal_gets_a_page_in_its_language(live_site):
    accepts = "Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\nAccept-Language: de"
    with posting(live_site, "/libraries/", KNOWN_LENGTH, accepts) as connection:
        status, content_type, body = answer(connection)

    assert (status, content_type) == (413, "text/html; charset=utf-8")
    assert b'<html lang="de"' in body
    assert "Zu groß" in body.decode()


def test_whoever_asks_before_sending_is_not_told_to_go_on(live_site):
    with posting(live_site, "/api/v1/runs", KNOWN_LENGTH, "Expect: 100-continue") as connection:
        said = b"".join(iter(lambda: connection.recv(4096), b""))

    assert said.startswith(b"HTTP/1.1 413 ")
    assert b"100 Continue" not in said


@pytest.mark.parametrize("length", [KNOWN_LENGTH, CHUNKED])
def test_a_refused_body_is_kept_nowhere_however_long_somebody_sends_it(live_site, length):
    before = most_memory_mib(live_site)

    with posting(live_site, "/api/v1/runs", length) as connection:
        for _ in range(100 * 16):
            connection.sendall(PIECE)
        status, _, _ = answer(connection)

    assert status == 413
    assert most_memory_mib(live_site) - before < 20


def test_a_body_at_the_limit_reaches_the_application(live_site):
    connection = HTTPConnection(live_site.url.removeprefix("http://"), timeout=20)
    connection.request("POST", "/api/v1/runs", body=b"x" * LIMIT, headers={"Content-Type": "application/json"})

    assert connection.getresponse().status == 401
    connection.close()


def test_a_chunked_body_below_the_limit_reaches_the_application(live_site):
    with posting(live_site, "/api/v1/runs", CHUNKED) as connection:
        connection.sendall(PIECE * 15 + b"0\r\n\r\n")

        assert answer(connection)[0] == 401


@pytest.mark.parametrize(
    ("opening", "repeated"),
    [
        ('--x\r\nContent-Disposition: form-data; name="a"', "; a*0=b"),
        ("", "--x\r\n\r\n"),
        ("--x\r\n", "A: b\r\n"),
        ('--x\r\nContent-Disposition: form-data; name="', '\\"'),
    ],
    ids=["parameters", "parts", "headers", "quotes"],
)
def test_a_form_of_a_stranger_costs_no_time_whatever_it_repeats(live_site, opening, repeated):
    before = cpu_s(live_site)
    body = (opening + repeated * ((LIMIT - 100) // len(repeated))).encode()
    connection = HTTPConnection(live_site.url.removeprefix("http://"), timeout=20)
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    connection.request("POST", "/accounts/login/", body=body, headers=headers)

    assert connection.getresponse().status in (400, 403)
    assert cpu_s(live_site) - before < 1
    connection.close()


@pytest.mark.parametrize("content_type", ["multipart/form-data", "multipart/form-data; boundary=x", "text/plain"])
def test_a_form_for_the_api_is_answered_in_its_shape(live_site, content_type):
    connection = HTTPConnection(live_site.url.removeprefix("http://"), timeout=20)
    connection.request("POST", "/api/v1/runs", body=b"x", headers={"Content-Type": content_type})
    response = connection.getresponse()

    assert (response.status, json.loads(response.read())["error"]["code"]) == (401, "unauthenticated")
    connection.close()


@contextmanager
def posting(site: LiveSite, path: str, *headers: str) -> Iterator[socket.socket]:
    """A connection that has sent the headers of a POST, but no body."""
    host, port = site.url.removeprefix("http://").split(":")
    lines = [f"POST {path} HTTP/1.1", f"Host: {host}", "Content-Type: application/json", *headers, "", ""]
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall("\r\n".join(lines).encode())
        yield connection


def answer(connection: socket.socket) -> tuple[int, str | None, bytes]:
    """Status, content type and body of the response."""
    response = HTTPResponse(connection)
    response.begin()
    return response.status, response.getheader("Content-Type"), response.read()


def most_memory_mib(site: LiveSite) -> int:
    """The peak memory of the site's process."""
    lines = Path(f"/proc/{site.process.pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) // 1024


def cpu_s(site: LiveSite) -> float:
    """The CPU time of the site's process so far."""
    fields = Path(f"/proc/{site.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
