"""Headers of all responses, whatever part of the server makes them; and CORS of the API."""

import socket
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from typing import Any

import pytest

from tests.live_site import LiveSite, copy_data

APP = "https://app.example.org"
WANTED = {
    "content-security-policy": "default-src 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=()",
}


@pytest.fixture(scope="module")
def site(prepared_data, tmp_path_factory) -> Iterator[LiveSite]:
    """One server for all tests of this module."""
    data = tmp_path_factory.mktemp("answers") / "data"
    copy_data(prepared_data, data)
    environment = {"AGENTSITE_CORS_ORIGINS": f"{APP},http://localhost:3000", "AGENTSITE_METRICS_TOKEN": "m" * 20}
    made = LiveSite(data, environment)
    try:
        made.start()
        made.create_user("ada", staff=True)
        yield made
    finally:
        made.close()


def ask(site: LiveSite, method: str, path: str, body: bytes | None = None, **headers: str) -> HTTPResponse:
    """A response whose body has been read."""
    connection = HTTPConnection(site.url.removeprefix("http://"), timeout=20)
    connection.request(
        method, path, body=body, headers={name.replace("_", "-"): text for name, text in headers.items()}
    )
    response = connection.getresponse()
    response.read()
    connection.close()
    return response


def say(site: LiveSite, text: str) -> HTTPResponse:
    """The response to these exact bytes."""
    host, port = site.url.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)), timeout=20)
    connection.sendall(text.replace("\n", "\r\n").replace("HOST", f"{host}:{port}").encode("latin1"))
    response = HTTPResponse(connection)
    response.begin()
    connection.close()
    return response


def of_kind(site: LiveSite, kind: str) -> Any:
    """A response of the kind: page, API, static file, …"""
    session = f"sessionid={site.session_of('ada')}"
    upgrade = "GET {} HTTP/1.1\nHost: HOST\nUpgrade: websocket\nConnection: Upgrade\n{}\n\n"
    kinds = {
        "page": lambda: ask(site, "GET", "/accounts/login/"),
        "page of somebody": lambda: ask(site, "GET", "/", Cookie=session),
        "redirect": lambda: ask(site, "GET", "/"),
        "static": lambda: ask(site, "GET", "/static/app.css"),
        "no such static": lambda: ask(site, "GET", "/static/none.css"),
        "not modified": lambda: ask(site, "GET", "/static/app.css", If_Modified_Since="Fri, 01 Jan 2100 00:00:00 GMT"),
        "404": lambda: ask(site, "GET", "/nothing/"),
        "405": lambda: ask(site, "PUT", "/accounts/login/"),
        "csrf": lambda: ask(site, "POST", "/accounts/login/", b"username=a"),
        "bad host": lambda: ask(site, "GET", "/", Host="evil.example"),
        "api 401": lambda: ask(site, "GET", "/api/v1/runs"),
        "api 404": lambda: ask(site, "GET", "/api/nothing"),
        "metrics 401": lambda: ask(site, "GET", "/metrics"),
        "metrics": lambda: ask(site, "GET", "/metrics", Authorization=f"Bearer {'m' * 20}"),
        "healthz": lambda: ask(site, "GET", "/healthz"),
        "readyz": lambda: ask(site, "GET", "/readyz"),
        "413": lambda: say(site, "POST /api/v1/runs HTTP/1.1\nHost: HOST\nContent-Length: 9999999\n\n"),
        "413 page": lambda: say(site, "POST /x HTTP/1.1\nHost: HOST\nContent-Length: 9999999\n\n"),
        "no request line": lambda: say(site, "nonsense\n\n"),
        "bad length": lambda: say(site, "POST / HTTP/1.1\nHost: HOST\nContent-Length: x\n\n"),
        "bad header name": lambda: say(site, "GET / HTTP/1.1\nHost: HOST\nX@y: 1\n\n"),
        "bad path": lambda: say(site, "GET /\xff HTTP/1.1\nHost: HOST\n\n"),
        "long headers": lambda: say(site, f"GET / HTTP/1.1\nHost: HOST\nX: {'a' * 17000}\n\n"),
        "socket of another site": lambda: say(
            site,
            upgrade.format(
                "/ws/dashboard/",
                "Origin: https://evil.example\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
            ),
        ),
        "broken handshake": lambda: say(site, upgrade.format("/ws/dashboard/", "Sec-WebSocket-Version: 99")),
    }
    return kinds[kind]()


KINDS = [
    "page",
    "page of somebody",
    "redirect",
    "static",
    "no such static",
    "not modified",
    "404",
    "405",
    "csrf",
    "bad host",
    "api 401",
    "api 404",
    "metrics 401",
    "metrics",
    "healthz",
    "readyz",
    "413",
    "413 page",
    "no request line",
    "bad length",
    "bad header name",
    "bad path",
    "long headers",
    "socket of another site",
    "broken handshake",
]


@pytest.mark.parametrize("kind", KINDS)
def test_every_answer_has_the_headers_of_a_page_and_none_says_what_serves_it(site, kind):
    answer = of_kind(site, kind)

    headers = {name.lower(): value for name, value in answer.getheaders()}
    assert {name: value for name, value in WANTED.items() if value not in headers.get(name, "")} == {}
    assert "server" not in headers
    assert "strict-transport-security" not in headers, "this site is not served over https"


def test_over_https_refusals_of_the_server_promise_it_too(start_site):
    site = start_site(AGENTSITE_URL="https://agents.example.org")

    for text in ("GET /healthz HTTP/1.1\nHost: HOST\n\n", "nonsense\n\n", "GET / HTTP/1.1\nHost: HOST\n\n"):
        assert say(site, text).getheader("Strict-Transport-Security") == "max-age=31536000"


def test_what_somebody_signed_in_sees_is_stored_nowhere(site):
    session = f"sessionid={site.session_of('ada')}"

    for path in ("/", "/runs/", "/runs/new/", "/inbox/", "/settings/tokens/", "/admin/", "/api/v1/runs", "/nothing/"):
        assert "no-store" in str(ask(site, "GET", path, Cookie=session).getheader("Cache-Control")), path
    assert "public" in str(ask(site, "GET", "/static/app.css", Cookie=session).getheader("Cache-Control"))


# Other sites


def test_a_preflight_of_a_named_origin_is_allowed_without_credentials(site):
    answer = ask(
        site,
        "OPTIONS",
        "/api/v1/agui",
        Origin=APP,
        Access_Control_Request_Method="POST",
        Access_Control_Request_Headers="authorization, content-type, idempotency-key",
    )

    assert answer.status == 200
    assert answer.getheader("Access-Control-Allow-Origin") == APP
    assert "idempotency-key" in str(answer.getheader("Access-Control-Allow-Headers"))
    assert answer.getheader("Access-Control-Allow-Credentials") is None
    assert "origin" in str(answer.getheader("Vary")).lower()


@pytest.mark.parametrize("kind", ["answer", "no token", "no address", "unknown parameter", "too large"])
def test_answers_and_errors_of_the_api_can_be_read_by_a_named_origin(site, kind):
    answer = {
        "answer": lambda: ask(site, "GET", "/api/v1/openapi.json", Origin=APP),
        "no token": lambda: ask(site, "GET", "/api/v1/runs", Origin=APP),
        "no address": lambda: ask(site, "GET", "/api/none", Origin=APP),
        "unknown parameter": lambda: ask(site, "GET", "/api/v1/openapi.json?x=1", Origin=APP),
        "too large": lambda: say(
            site, f"POST /api/v1/runs HTTP/1.1\nHost: HOST\nOrigin: {APP}\nContent-Length: 9999999\n\n"
        ),
    }[kind]()

    assert answer.getheader("Access-Control-Allow-Origin") == APP
    assert "origin" in str(answer.getheader("Vary")).lower()


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "https://app.example.org.evil.example", APP + ":8443"]
)
def test_other_origins_read_nothing(site, origin):
    for method, path in (("GET", "/api/v1/openapi.json"), ("OPTIONS", "/api/v1/runs")):
        answer = ask(site, method, path, Origin=origin, Access_Control_Request_Method="GET")

        assert answer.getheader("Access-Control-Allow-Origin") is None


def test_pages_are_for_no_other_site(site):
    assert ask(site, "GET", "/accounts/login/", Origin=APP).getheader("Access-Control-Allow-Origin") is None


def test_without_the_setting_no_origin_is_named(live_site):
    answer = ask(live_site, "GET", "/api/v1/openapi.json", Origin=APP)
    preflight = ask(live_site, "OPTIONS", "/api/v1/runs", Origin=APP, Access_Control_Request_Method="POST")

    assert answer.getheader("Access-Control-Allow-Origin") is None
    assert preflight.status == 405
