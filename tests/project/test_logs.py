"""Log lines."""

import http.client
import logging

from agentsite.logs import OneLineFormatter


def test_a_message_cannot_forge_a_line_or_colour_a_terminal():
    message = "task \x1b[31mred\r\n2026-01-01 ERROR forged\x85end"
    record = logging.LogRecord("runs", logging.INFO, __file__, 1, "%s", (message,), None)

    line = OneLineFormatter("%(message)s").format(record)

    assert line == r"task \x1b[31mred\r\n2026-01-01 ERROR forged\x85end"


def test_a_host_nobody_named_is_one_line(live_site):
    connection = http.client.HTTPConnection(live_site.url.removeprefix("http://"))
    connection.request("GET", "/", headers={"Host": "evil.example"})

    assert connection.getresponse().status == 400
    connection.close()
    assert live_site.stop() == 0
    assert len(live_site.log.read_text().splitlines()) == 1
    assert "evil.example" in live_site.log.read_text()
