"""Postgres databases with the site's tables: migrated once for all test processes of a session, then restored."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import psycopg

from tests.chaos.services import postgres_programs
from tests.prepared import made_once


def migrate_postgres(address: str, folder: Path, migrate: Callable[[], None]) -> None:
    """Make the tables in the empty database at `address`: by `migrate`, or from the dump of one that was migrated.

    Migrating takes 7 s of CPU time. The dump is in `folder`, which all test processes see. There is none if `pg_dump`
    is missing, or is not of the server's version.
    """
    programs = postgres_programs()
    with psycopg.connect(address) as database:
        version = database.info.server_version // 10_000
    if programs is None or _version_of(programs / "pg_dump") != version:
        migrate()
        return
    was_migrated = False

    def dumped(file: Path) -> None:
        nonlocal was_migrated
        migrate()
        was_migrated = True
        _run(programs / "pg_dump", "--no-owner", "--file", str(file), address)

    file = made_once(folder / f"postgres-{version}.sql", dumped)
    if not was_migrated:
        quietly = ("--no-psqlrc", "--quiet", "--output", os.devnull, "--set", "ON_ERROR_STOP=1")
        _run(programs / "psql", *quietly, "--file", str(file), address)


def _version_of(program: Path) -> int | None:
    """The major version; None if the program is missing."""
    if not program.exists():
        return None
    return int(_run(program, "--version").split()[2].partition(".")[0])


def _run(program: Path, *arguments: str) -> str:
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
