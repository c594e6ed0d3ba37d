"""What takes seconds to prepare and is the same for all test processes of a session: the first one makes it."""

import fcntl
import hashlib
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connections
from django.test.utils import setup_databases
from pytest_django import DjangoDbBlocker

from tests.live_site import ROOT, copy_data, prepare_data

DECIDES_TABLES = (
    *("requirements.txt", "agentsite/**/*.py", "tests/settings.py"),
    *("runs/migrations/*.py", "runs/models/**/*.py", "runs/engine/sqlite/*.py", "runs/text_search.py"),
)
"""Files on which a migrated database depends."""


def made_once(path: Path, make: Callable[[Path], None]) -> Path:
    """`path`, made under a lock unless another process has made it. `make` gets another path, renamed in the end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f"{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            unfinished = path.with_name(f"{path.name}.{os.getpid()}")
            make(unfinished)
            unfinished.rename(path)
    return path


@pytest.fixture(scope="session")
def shared_folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all test processes of the session see."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if hasattr(request.config, "workerinput") else base) / "prepared"


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None, django_db_blocker: DjangoDbBlocker, shared_folder: Path
) -> Iterator[Path]:
    """The test database of this process, as pytest-django's fixture. Returns the file of which it is a copy.

    Migrating takes 7 s of CPU time. The result is kept beside pytest's own folders for the sessions that come, until
    anything changes that it depends on.
    """
    beside = shared_folder.parents[1]  # `pytest-of-…`, which nobody else can write to, unless --basetemp names another.
    kept = beside / f"migrated-{_digest()}.sqlite3" if beside.name.startswith("pytest-of-") else None

    def migrated(file: Path) -> None:
        if kept is not None:
            with suppress(FileNotFoundError):
                shutil.copyfile(kept, file)
                return
        setup_databases(verbosity=0, interactive=False)
        with connections["default"].cursor() as cursor:
            cursor.execute("VACUUM INTO %s", [str(file)])
        connections["default"].close()
        if kept is not None:
            _keep(file, kept)

    with django_db_blocker.unblock():
        template = made_once(shared_folder / "migrated.sqlite3", migrated)
        _use(shutil.copyfile(template, settings.DATABASES["default"]["TEST"]["NAME"]))
    yield template
    with django_db_blocker.unblock():
        connections["default"].close()


def _digest() -> str:
    """The same as long as migrating gives the same."""
    found = hashlib.sha256(sqlite3.sqlite_version.encode())
    for pattern in DECIDES_TABLES:
        for file in sorted(ROOT.glob(pattern)):
            found.update(f"{file.relative_to(ROOT)} {file.stat().st_size} ".encode() + file.read_bytes())
    return found.hexdigest()[:32]


def _keep(file: Path, kept: Path) -> None:
    """Keep a copy, in the place of those of other migrations."""
    unfinished = kept.with_name(f"{kept.name}.{os.getpid()}")
    shutil.copyfile(file, unfinished)
    for other in kept.parent.glob("migrated-*.sqlite3"):
        other.unlink(missing_ok=True)
    unfinished.rename(kept)


def _use(file: Path | str) -> None:
    settings.DATABASES["default"]["NAME"] = str(file)
    connections["default"].settings_dict["NAME"] = str(file)


@pytest.fixture(scope="session")
def prepared_data(django_db_setup: Path, shared_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with an empty, migrated database and collected static files, as a template."""

    def prepared(data: Path) -> None:
        data.mkdir(mode=0o700)
        database = Path(shutil.copyfile(django_db_setup, data / "agentsite.sqlite3"))
        database.chmod(0o600)  # as the site makes it
        prepare_data(data)

    return copy_data(made_once(shared_folder / "data", prepared), tmp_path_factory.mktemp("prepared") / "data")
