"""A database migrated by a newer version: this version does not write to it and says what to do."""

import json
import sqlite3
from contextlib import closing

import pytest

from tests.live_site import LiveSite
from tests.operations.asking import get

NEWER = "The database is of a newer version (runs.0099_from_the_future). Upgrade Agentsite"
APPLIED = "INSERT INTO django_migrations (app, name, applied) VALUES (%r, %r, '2030-01-01')"


def migrate_beyond(site: LiveSite, app: str, name: str) -> None:
    """Mark a migration as applied, as a newer version would have done."""
    with closing(sqlite3.connect(site.data / "agentsite.sqlite3", timeout=20)) as database:
        database.execute(APPLIED % (app, name))
        database.commit()


@pytest.fixture
def newer(live_site: LiveSite) -> LiveSite:
    """A site whose database was migrated while the site ran."""
    migrate_beyond(live_site, "an_app_that_was_removed", "0001_initial")
    assert get(f"{live_site.url}/readyz")[0] == 200
    migrate_beyond(live_site, "runs", "0099_from_the_future")
    return live_site


def test_nothing_writes_to_a_newer_database_and_everything_says_what_to_do(newer):
    newer.kill()
    commands = [
        ["serve", "--port", "0"],
        ["run_agent", "1+1"],
        ["prune"],
        ["migrate"],
        ["createsuperuser", "--noinput"],
    ]

    for arguments in commands:
        done = newer.manage(*arguments)
        assert (done.returncode, done.stdout) == (2, ""), arguments
        assert NEWER in done.stderr and len(done.stderr.splitlines()) == 1, arguments

    found = json.loads(newer.manage("doctor", "--json").stdout)
    database = [each for each in found if each["about"] == "database" and each["state"] == "problem"]
    assert "runs.0099_from_the_future" in database[0]["what"] and "Upgrade" in database[0]["do"]


def test_an_older_process_that_still_runs_is_no_longer_ready(newer):
    # The last check is cached for 2 s.
    status, body = get(f"{newer.url}/readyz")
    while status == 200:
        status, body = get(f"{newer.url}/readyz")

    assert status == 503
    database = json.loads(body)["checks"]["database"]
    assert "runs.0099_from_the_future" in database["what"] and "Restart" in database["do"]
    assert get(f"{newer.url}/healthz")[0] == 200
