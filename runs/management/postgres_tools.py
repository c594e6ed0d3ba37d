"""Postgres' own programs, with the password where nobody reads it."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.db import connection


def dump(file: Path) -> None:
    """Write the whole database to `file` in pg_dump's custom format, as of one moment. Raises `CommandError`."""
    _run("pg_dump", "--format=custom", "--no-owner", "--no-acl", f"--file={file}")


def load(file: Path, *, clean: bool) -> None:
    """Put a dump into the database, all of it or nothing. Raises `CommandError`."""
    how = ["--clean", "--if-exists"] if clean else []
    _run(
        "pg_restore", "--no-owner", "--no-acl", "--exit-on-error", "--single-transaction", *how, str(file), dbname=True
    )


def _run(program: str, *arguments: str, dbname: bool = False) -> None:
    path = shutil.which(program)
    if path is None:
        raise CommandError(
            f"{program} is not here: install the Postgres client (Debian: apt install postgresql-client)."
        )
    settings: dict[str, Any] = connection.settings_dict
    names = {"PGHOST": "HOST", "PGPORT": "PORT", "PGUSER": "USER", "PGPASSWORD": "PASSWORD", "PGDATABASE": "NAME"}
    # In the environment, not among the arguments: those are seen by everybody on the machine.
    environment = os.environ | {name: str(settings[key]) for name, key in names.items() if settings.get(key)}
    if dbname:
        arguments = (f"--dbname={settings['NAME']}", *arguments)
    done = subprocess.run([path, *arguments], env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["it said nothing."]
        raise CommandError(f"{program} failed: {lines[0]}")
