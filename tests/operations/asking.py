"""Polling a server, or a run's row."""

import http.client
import sqlite3
import time
from contextlib import closing
from urllib.parse import urlsplit

from tests.live_site import LiveSite

SOON_S = 20.0


def get(url: str, **headers: str) -> tuple[int, str]:
    """Status and body of one GET."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    try:
        connection.request("GET", parts.path, headers=headers)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def wait_for_statuses(site: LiveSite, *statuses: str) -> None:
    """Wait until the runs of a site, oldest first, have these statuses. Raises `TimeoutError`."""
    give_up_at = time.monotonic() + SOON_S
    with closing(sqlite3.connect(site.data / "agentsite.sqlite3", timeout=20)) as database:
        while True:
            rows = database.execute("SELECT status FROM runs_run ORDER BY created_at, id").fetchall()
            if [status for (status,) in rows] == list(statuses):
                return
            if time.monotonic() > give_up_at:
                raise TimeoutError(f"{rows}\n{site.log.read_text()[-4000:]}")
            time.sleep(0.05)
