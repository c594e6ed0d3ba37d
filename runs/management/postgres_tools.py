"""pg_dump and pg_restore, with the password in the environment."""

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
    """Restore a dump in one transaction. Raises `CommandError`."""
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
    # In the environment, because every user of the machine can read the arguments.
    environment = os.environ | {name: str(settings[key]) for name, key in names.items() if settings.get(key)}
    if dbname:
        arguments = (f"--dbname={settings['NAME']}", *arguments)
    done = subprocess.run([path, *arguments], env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["it said nothing."]
        raise CommandError(f"{program} failed: {lines[0]}")
