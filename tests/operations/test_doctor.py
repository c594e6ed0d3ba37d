"""Findings of the doctor."""

import ast
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.utils import timezone

from runs.management import diagnostics as examination
from runs.models import Run
from tests import site_process
from tests.live_site import LiveSite, clean_environment, manage
from tests.operations.asking import get
from tests.services import need_services, own_services

KEY = "sk-canary-3f9c1d7e55aa"


def findings(site, *, code: int) -> dict[str, list[dict[str, str]]]:
    """The findings of `doctor --json`, by subject."""
    done = site.manage("doctor", "--json")
    assert done.returncode == code, done.stdout + done.stderr
    assert KEY not in done.stdout + done.stderr
    found: dict[str, list[dict[str, str]]] = {}
    for each in json.loads(done.stdout):
        found.setdefault(each["about"], []).append(each)
    return found


def test_a_site_that_is_well_has_no_problem_and_one_that_is_not_says_what_to_do(start_site):
    nowhere = [{"name": "local", "kind": "openai", "base_url": "http://127.0.0.1:9/v1", "models": ["m"]}]
    site = start_site(OPENAI_API_KEY=KEY)

    well = findings(site, code=0)

    assert set(well) == set(examination.EXAMINATIONS)
    assert "WAL, synchronous FULL, IMMEDIATE" in well["database"][0]["what"]
    assert f"by process {site.process.pid}" in well["hosts"][0]["what"]
    assert [each["state"] for each in well["models"]] == ["ok", "note", "note"]

    site.environment["AGENTSITE_ENDPOINTS"] = json.dumps(nowhere)
    site.data.chmod(0o755)
    (site.data / "secret_key").chmod(0o644)
    ill = findings(site, code=1)

    assert ill["models"][-1]["state"] == "problem" and "127.0.0.1:9" in ill["models"][-1]["what"]
    assert "secret_key" in ill["disk"][-1]["what"] and "chmod" in ill["disk"][-1]["do"]


def test_of_an_empty_folder_it_says_that_nothing_was_set_up_and_what_to_do(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    folder.chmod(0o755)

    done = manage("doctor", "--json", data=folder)

    found = json.loads(done.stdout)
    problems = [each for each in found if each["state"] == "problem"]
    assert [(each["about"], each["what"]) for each in problems] == [("database", "Nothing was set up here yet.")]
    assert "make run" in problems[0]["do"]
    assert "nothing was set up" in next(each["what"] for each in found if each["about"] == "runs")
    assert done.returncode == 1


def test_the_database_in_a_folder_others_may_enter_is_readable_by_its_owner_only(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    folder.chmod(0o755)
    code = f"""
import os
from runs.management.startup import migrate
from runs.models import Run
migrate()
Run.objects.create(task="Hi.")
print({{each.name: oct(each.stat().st_mode & 0o777) for each in os.scandir({str(folder)!r})}})
"""

    done = manage("shell", "--no-imports", "-c", code, data=folder)

    assert done.returncode == 0, done.stderr
    modes = ast.literal_eval(done.stdout)
    assert modes["agentsite.sqlite3"] == modes["agentsite.sqlite3-wal"] == "0o600"
    assert not list(folder.glob(".new-*"))
    assert manage("doctor", data=folder).returncode == 0


def test_runs_that_nobody_takes_are_a_problem(db):
    long_ago = timezone.now() - timedelta(hours=1)
    Run.objects.create(task="Queued.", created_at=long_ago)
    Run.objects.create(
        task="Parked.", status="waiting", waiting_for="approval", created_at=long_ago - timedelta(days=8)
    )

    found = {each.what: each.state for each in examination.runs()}

    assert found == {
        "1 run has been queued for more than 5 minutes.": "problem",
        "1 run has waited for a person for more than a week.": "note",
    }


def test_what_cannot_be_examined_is_a_problem_and_the_rest_is_examined(monkeypatch, db):
    def fail():
        yield from ()
        raise OSError("no\nsuch thing")

    monkeypatch.setattr(examination, "EXAMINATIONS", {"disk": fail, "models": examination.models})

    first, *others = examination.examine()

    assert (first.state, first.what) == ("problem", "Could not be examined: OSError: no such thing")
    assert others


@pytest.fixture
def beside_workers(start_site):
    """A web process on Postgres and Redis, without a worker."""
    need_services()
    with own_services() as services:
        yield start_site(**services.environment, AGENTSITE_METRICS_TOKEN="a-token-of-some-length")


@contextmanager
def worker_beside(site: LiveSite) -> Iterator[str]:
    """A worker of the same site; yields the address of its health endpoints."""
    environment = clean_environment(site.data, site.environment)
    with site.log.open("a") as log:
        worker = site_process.start(["worker", "--metrics-port", "0"], environment, stderr=log)
    try:
        watched = worker.stdout.readline()
        assert watched.startswith("Watched at: "), site.log.read_text()
        assert worker.stdout.readline().startswith("Worker: "), site.log.read_text()
        yield watched.removeprefix("Watched at: ").strip().removesuffix("/readyz")
    finally:
        worker.terminate()
        worker.wait(20)
        worker.stdout.close()


def wait_until_ready(url: str) -> None:
    """Wait until the site reports readiness, or for half a minute."""
    give_up_at = time.monotonic() + 30
    while get(f"{url}/readyz")[0] != 200 and time.monotonic() < give_up_at:
        time.sleep(0.2)


@pytest.mark.experiment
def test_without_a_worker_the_site_is_not_ready_and_with_one_it_is(beside_workers):
    site = beside_workers

    before = get(f"{site.url}/readyz")
    ill = findings(site, code=1)
    with worker_beside(site) as watched_at:
        wait_until_ready(site.url)
        after = get(f"{site.url}/readyz")
        worker = get(f"{watched_at}/readyz")
        figures = get(f"{watched_at}/metrics", Authorization="Bearer a-token-of-some-length")
        well = findings(site, code=0)

    assert before[0] == 503 and "manage.py worker" in before[1]
    assert "Service Unavailable: /readyz" not in site.log.read_text(), "whoever asks is told; the log is not filled"
    assert "AGENTSITE_SECRET_KEY is not set" in ill["settings"][0]["what"]
    assert "PostgreSQL" in ill["database"][0]["what"] and ill["hosts"][0]["state"] == "problem"
    assert after[0] == 200, after[1]
    assert worker[0] == 200, worker[1]
    assert figures[0] == 200 and "agentsite_hosted_runs 0.0" in figures[1]
    assert well["hosts"][0]["state"] == "ok" and well["clock"][0]["state"] == "ok"
