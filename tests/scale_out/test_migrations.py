"""Migrations of a Postgres database: processes that start together, and an index that is built beside writes."""

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from tests.live_site import manage
from tests.services import Services, own_services

INDEX = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'run_failed_by_code'::regclass"
MIGRATE = ("shell", "--no-imports", "-c", "from runs.management.startup import migrate; migrate()")


@pytest.fixture
def earlier(prepared_database: str, tmp_path: Path) -> Iterator[Services]:
    """A database as the version before the index has left it."""
    with own_services(prepared_database) as services:
        done = manage("migrate", "runs", "0018", data=tmp_path / "back", environment=services.environment)
        assert done.returncode == 0, done.stderr
        yield services


def test_processes_that_start_together_build_an_index_beside_writes_once(earlier: Services, tmp_path: Path):
    def start(number: int) -> subprocess.CompletedProcess[str]:
        return manage(*MIGRATE, data=tmp_path / str(number), environment=earlier.environment)

    with ThreadPoolExecutor(4) as together:
        done = list(together.map(start, range(4)))

    assert [(each.returncode, each.stderr) for each in done] == [(0, "")] * 4
    with psycopg.connect(earlier.database_url) as database:
        assert database.execute(INDEX).fetchall() == [(True,)]


def test_an_index_that_an_interrupted_migration_has_left_behind_is_built_again(earlier: Services, tmp_path: Path):
    with psycopg.connect(earlier.database_url, autocommit=True) as database:
        database.execute("CREATE INDEX run_failed_by_code ON runs_run (status)")
        database.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'run_failed_by_code'::regclass")

        done = manage("migrate", data=tmp_path, environment=earlier.environment)

        assert (done.returncode, done.stderr) == (0, "")
        assert database.execute(INDEX).fetchall() == [(True,)]
