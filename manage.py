#!/usr/bin/env python
"""Run an Agentsite command."""

import os
import sys
from pathlib import Path
from typing import NoReturn

import django
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from agentsite.stderr_redaction import keep_secrets_off_stderr
from runs.agent.redaction.redactor import Redactor, secrets_in

BAD_CONFIGURATION = 2
DJANGOS_THAT_WRITE = (
    *("migrate", "createsuperuser", "changepassword", "loaddata", "flush", "clearsessions"),
    "remove_stale_contenttypes",
)
"""Django's own commands that would write to a newer database; our commands check it themselves."""
NOBODY_READS = 141
"""The exit code a shell reports for a program that was ended by SIGPIPE."""


def main() -> None:
    """Run the command in `sys.argv`. A wrong setting is one line on standard error, and exit code 2."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "agentsite.settings")
    speak_to_any_terminal()
    try:
        django.setup()
    except ImproperlyConfigured as error:
        refuse(str(error))
    keep_secrets_off_stderr()
    if sys.argv[1:2] and sys.argv[1] in DJANGOS_THAT_WRITE:
        see_that_database_is_not_newer()
    try:
        try:
            execute_from_command_line(sys.argv)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # For example `doctor | head -1`. Python would flush again at exit, and fail.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(NOBODY_READS)


def refuse(words: str) -> NoReturn:
    """Print one redacted line to standard error and exit with code 2."""
    print(f"Agentsite: {Redactor(secrets_in()).text(words)}", file=sys.stderr)
    sys.exit(BAD_CONFIGURATION)


def see_that_database_is_not_newer() -> None:
    """Refuse a newer database. If it cannot be read, the command itself reports that."""
    from django.db import DatabaseError

    from runs.engine.operations.schema_version import NewerDatabase, refuse_newer_database

    try:
        refuse_newer_database()
    except NewerDatabase as error:
        refuse(str(error))
    except DatabaseError:
        return


def speak_to_any_terminal() -> None:
    """Replace characters that standard output or error cannot encode, so that none ends a command.

    For a closed stream (`>&-`) Python has None; commands and logs then write to the null device.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - open until the end
        elif hasattr(stream, "reconfigure"):
            # Standard error keeps Python's default there: escapes for what it cannot encode.
            stream.reconfigure(errors="replace" if name == "stdout" else "backslashreplace")


if __name__ == "__main__":
    main()
