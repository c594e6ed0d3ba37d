"""What takes seconds to prepare and is the same for all test processes of a session: the first one makes it."""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connections
from django.test.utils import setup_databases
from pytest_django import DjangoDbBlocker

from tests.live_site import copy_data, prepare_data


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
    """The test database of this process, as pytest-django's fixture. Returns the file of which it is a copy."""

    def migrated(file: Path) -> None:
        setup_databases(verbosity=0, interactive=False)
        with connections["default"].cursor() as cursor:
            cursor.execute("VACUUM INTO %s", [str(file)])
        connections["default"].close()

    with django_db_blocker.unblock():
        template = made_once(shared_folder / "migrated.sqlite3", migrated)
        _use(shutil.copyfile(template, settings.DATABASES["default"]["TEST"]["NAME"]))
    yield template
    with django_db_blocker.unblock():
        connections["default"].close()


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
