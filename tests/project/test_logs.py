"""Log lines for requests from strangers."""

import http.client
import logging

from agentsite.logs import OneLineFormatter


def test_a_message_cannot_forge_a_line_or_colour_a_terminal():
    message = "task \x1b[31mred\r\n2026-01-01 ERROR forged\x85end"
    record = logging.LogRecord("runs", logging.INFO, __file__, 1, "%s", (message,), None)

    line = OneLineFormatter("%(message)s").format(record)

    assert line == r"task \x1b[31mred\r\n2026-01-01 ERROR forged\x85end"


def test_forms_a_stranger_can_send_are_one_line_each_at_most(live_site):
    form = "application/x-www-form-urlencoded"
    connection = http.client.HTTPConnection(live_site.url.removeprefix("http://"))
    # With a cookie, Django looks for the token in the form.
    headers = {"Cookie": f"csrftoken={'a' * 32}"}
    for body, kind, status in (
        (b"x=1&" * 2000, form, 400),
        (b"task=" + b"x" * 2_000_000, form, 413),
        (b"task=a", f"{form}; charset=utf-7", 400),
        (b"nothing", "multipart/form-data", 400),
    ):
        connection.request("POST", "/accounts/login/", body, headers={**headers, "Content-Type": kind})
        response = connection.getresponse()
        response.read()
        assert response.status == status
    connection.close()

    assert live_site.stop() == 0
    assert len(live_site.log.read_text().splitlines()) <= 4


def test_a_host_nobody_named_is_one_line(live_site):
    connection = http.client.HTTPConnection(live_site.url.removeprefix("http://"))
    connection.request("GET", "/", headers={"Host": "evil.example"})

    assert connection.getresponse().status == 400
    connection.close()
    assert live_site.stop() == 0
    assert len(live_site.log.read_text().splitlines()) == 1
    assert "evil.example" in live_site.log.read_text()
