"""Detects a database that was migrated by a newer version of Agentsite."""

from functools import cache

from django.apps import apps
from django.core.management.base import CommandError
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

WHAT_TO_DO = "Upgrade Agentsite to that version, or restore a backup of this one."


class NewerDatabase(CommandError):
    """The database is of a newer version and must not be written. One line, and exit code 2."""

    def __init__(self, newer: list[str]) -> None:
        super().__init__(f"The database is of a newer version ({newer[-1]}). {WHAT_TO_DO}", returncode=2)


@cache
def known_migrations() -> frozenset[tuple[str, str]]:
    """App and name of every migration of this version. Cached: an upgrade changes the files below a process."""
    found = MigrationLoader(None, ignore_no_migrations=True).disk_migrations
    # A squashed migration is known by its old names too.
    replaced = {each for migration in found.values() for each in migration.replaces}
    return frozenset(found) | frozenset(replaced)


def newer_migrations(alias: str = DEFAULT_DB_ALIAS) -> list[str]:
    """Applied migrations of installed apps that this version does not know, as `app.name`, newest last.

    Apps that are not installed are ignored, since their tables are not used. Raises `DatabaseError`.
    """
    applied = MigrationRecorder(connections[alias]).applied_migrations()
    installed = {config.label for config in apps.get_app_configs()}
    unknown = [(row.applied, app, name) for (app, name), row in applied.items() if app in installed]
    newer = [each for each in unknown if each[1:] not in known_migrations()]
    return [f"{app}.{name}" for _, app, name in sorted(newer)]


def refuse_newer_database(alias: str = DEFAULT_DB_ALIAS) -> None:
    """Raise `NewerDatabase` if the database is newer, `DatabaseError` if it cannot be read."""
    if newer := newer_migrations(alias):
        raise NewerDatabase(newer)
