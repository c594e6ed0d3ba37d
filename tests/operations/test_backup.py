"""A backup of a running server, and its restore."""

import re
import shutil
import sqlite3
import stat
import subprocess
import tarfile
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError

from runs.management import postgres_tools
from tests.live_site import LiveSite, manage
from tests.operations.asking import get, wait_for_statuses
from tests.services import Services, need_services, own_services
from tests.visitor import Visitor

TASK = "What is 17 * 23? Then convert 5 km to miles."


def rows(data: Path, query: str, *values: str) -> list[Any]:
    """The result of a query in a data folder's database."""
    with closing(sqlite3.connect(data / "agentsite.sqlite3", timeout=20)) as database:
        return database.execute(query, values).fetchall()


def launch(site: LiveSite, count: int) -> list[str]:
    """Launch runs; returns their ids in the database's notation."""
    with Visitor(site.url, session=site.session_of("ada")) as visitor:
        return [visitor.launch(TASK).replace("-", "") for _ in range(count)]


def test_a_backup_of_a_busy_server_holds_all_that_was_acknowledged_and_serves_on(start_site, tmp_path):
    site = start_site()
    site.create_user("ada")
    before = launch(site, 25)
    file = tmp_path / "backup.tar.gz"

    done = site.manage("backup", str(file))
    after = launch(site, 5)

    assert done.returncode == 0, done.stderr
    assert re.search(r"backup\.tar\.gz \([1-9]\d* KiB\): .* 1 person, the copy is whole", done.stdout)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".agentsite")] == []
    wait_for_statuses(site, *["completed"] * 30)

    copy = tmp_path / "restored"
    restored = manage("restore", str(file), data=copy)

    assert restored.returncode == 0, restored.stderr
    found = {str(run): last for run, last in rows(copy, "SELECT id, next_sequence - 1 FROM runs_run")}
    assert set(before) <= set(found) and not set(after) & set(found)
    for run, last in found.items():
        steps = rows(copy, "SELECT sequence FROM runs_step WHERE run_id = ? ORDER BY sequence", run)
        assert [sequence for (sequence,) in steps] == list(range(1, last + 1))
    assert rows(copy, "PRAGMA integrity_check") == [("ok",)]
    assert (copy / "secret_key").read_text() == (site.data / "secret_key").read_text()
    assert stat.S_IMODE((copy / "agentsite.sqlite3").stat().st_mode) == 0o600
    served = LiveSite(copy).start()
    try:
        wait_for_statuses(served, *["completed"] * len(found))
        assert get(f"{served.url}/runs/", Cookie=f"sessionid={site.session_of('ada')}")[0] == 200
        assert served.manage("restore", str(file), "--force").returncode == 1
        assert len(rows(copy, "SELECT id FROM runs_run")) == len(found), "nothing is replaced under a server"
    finally:
        served.close()


@pytest.fixture
def backup(prepared_data: Path, tmp_path: Path) -> Path:
    """A backup of an installation without runs."""
    file = tmp_path / "backup.tar.gz"
    done = manage("backup", str(file), data=prepared_data)
    assert done.returncode == 0, done.stderr
    return file


def test_nothing_is_overwritten_unless_one_insists_and_what_was_there_is_kept(backup, prepared_data, tmp_path):
    data = tmp_path / "data"

    again = manage("backup", str(backup), data=prepared_data)
    first, second = (manage("restore", str(backup), data=data) for _ in range(2))
    forced = manage("restore", str(backup), "--force", data=data)

    assert again.returncode == 1 and "--force" in again.stderr
    assert first.returncode == 0, first.stderr
    assert second.returncode == 1 and "--force" in second.stderr
    assert forced.returncode == 0, forced.stderr
    (aside,) = data.glob("replaced-*")
    assert {path.name for path in aside.iterdir()} == {"agentsite.sqlite3", "secret_key"}


def damaged(file: Path) -> None:
    """Invert a few bytes in the middle."""
    content = bytearray(file.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 64] = bytes(255 - byte for byte in content[middle : middle + 64])
    file.write_bytes(content)


def cut(file: Path) -> None:
    """Cut the last third off."""
    file.write_bytes(file.read_bytes()[: file.stat().st_size * 2 // 3])


def foreign(file: Path) -> None:
    """Replace it with another archive."""
    with tarfile.open(file, "w:gz") as archive:
        archive.add(__file__, arcname="../../manifest.json")


@pytest.mark.parametrize("spoil", [damaged, cut, foreign, lambda file: file.unlink()])
def test_what_is_no_whole_backup_changes_nothing(spoil, backup, tmp_path):
    data = tmp_path / "data"
    spoil(backup)

    done = manage("restore", str(backup), data=data)

    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert not (data / "agentsite.sqlite3").exists()


PG_TOOLS = shutil.which("pg_dump") and shutil.which("pg_restore")
ADD_RUN = "from runs.models import Run; Run.objects.create(task='Kept.', status='completed')"
TASKS = "from runs.models import Run; print([run.task for run in Run.objects.all()])"


@pytest.mark.skipif(not PG_TOOLS, reason="needs pg_dump and pg_restore (Debian: apt install postgresql-client)")
def test_a_postgres_installation_comes_back_in_another_database_and_not_under_a_site_at_work(tmp_path):
    need_services()
    data, file = tmp_path / "data", tmp_path / "backup.tar.gz"

    def on(services: Services, *arguments: str) -> subprocess.CompletedProcess[str]:
        return manage(*arguments, data=data, environment=services.environment)

    with own_services() as first, own_services() as second:
        assert on(first, "migrate", "--verbosity=0").returncode == 0
        assert on(first, "shell", "--no-imports", "-c", ADD_RUN).returncode == 0
        made = on(first, "backup", str(file))
        with psycopg.connect(second.database_url, application_name="agentsite"):
            at_work = on(second, "restore", str(file))
        restored = on(second, "restore", str(file))
        again = on(second, "restore", str(file))
        found = on(second, "shell", "--no-imports", "-c", TASKS)
        elsewhere = manage("restore", str(file), data=tmp_path / "other")

    assert made.returncode == 0, made.stderr
    assert at_work.returncode == 1 and "1 connection of Agentsite is open" in at_work.stderr
    assert restored.returncode == 0, restored.stderr
    assert again.returncode == 1 and "--force" in again.stderr
    assert found.stdout.strip() == "['Kept.']"
    assert elsewhere.returncode == 1 and "move_to_postgres" in elsewhere.stderr
    assert "password" not in made.stdout + made.stderr


def test_where_postgres_own_programs_are_missing_it_is_said_how_to_get_them(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(CommandError, match="apt install postgresql-client"):
        postgres_tools.dump(tmp_path / "dump")
