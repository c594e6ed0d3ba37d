"""Sites under attack, each in a folder of its own, and the figures of the experiments."""

import os
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests import site_process
from tests.chaos.fleet import Fleet
from tests.chaos.history import postgres_statements, sqlite_statements
from tests.chaos.services import Cluster, Doorbell, missing_services
from tests.chaos.site import ChaosSite
from tests.chaos.size import SEED
from tests.live_site import LiveSite, copy_data
from tests.migrated_postgres import migrate_postgres

PREPARE = """
from django.contrib.auth.models import Group, User
from runs.models import Agent
about = {"model_names": ["wire/m1"], "max_duration_s": 3600}
Agent.objects.update(**about, approval="never")
Agent.objects.create(name="Careful", **about, approval="always")
Agent.objects.create(name="Steered", **about, approval="never", max_turns=400)
for name, agents in {"Root": ["Branch"], "Branch": ["Leaf"], "Leaf": []}.items():
    Agent.objects.create(name=name, **about, approval="never", agents=agents)
grace = User.objects.create_user("grace", password="a good long password")
grace.groups.add(Group.objects.get(name="Operators"))
"""
"""The default agent never asks; another one asks before every call, and one has many turns. Three call each other. A
colleague may decide about everybody's runs."""

_figures: list[str] = []


@pytest.fixture
def forked() -> Iterator[None]:
    """Each process is forked from one that has imported the site, in the full form too: a start takes two seconds with
    its imports, and hundreds of them as long as all else."""
    with site_process.forked():
        yield


@pytest.fixture
def report() -> Callable[[str, str], None]:
    """Report what an experiment measured: `report("E4", "100 kills, …")`."""

    def say(experiment: str, figures: str) -> None:
        line = f"{experiment:<4} {figures}"
        _figures.append(line)
        print(line)
        if path := os.environ.get("CHAOS_FIGURES"):
            with Path(path).open("a") as file:
                file.write(f"{line}\n")

    return say


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures together. CHAOS_FIGURES names a file that gets them as they come."""
    if not _figures:
        return
    terminalreporter.section("chaos")
    terminalreporter.write("".join(f"{line}\n" for line in [*_figures, f"CHAOS_SEED={SEED}"]))


@pytest.fixture(scope="session")
def chaos_data(prepared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A data folder with a user whose runs ask the wire model, and the user's session."""
    data = tmp_path_factory.mktemp("chaos") / "data"
    copy_data(prepared_data, data)
    site = LiveSite(data)
    site.create_user("ada", "a good long password")
    site.ask(PREPARE)
    with closing(sqlite3.connect(data / "agentsite.sqlite3")) as database:
        for statement in sqlite_statements():
            database.execute(statement)
        database.commit()
    return data, site.session_of("ada")


@pytest.fixture
def start_chaos(chaos_data: tuple[Path, str], tmp_path: Path) -> Iterator[Callable[..., ChaosSite]]:
    """Start a server that may be killed: `start_chaos(AGENTSITE_MAX_RUNS="12")`. It is stopped after the test."""
    prepared, session = chaos_data
    with ExitStack() as sites:
        count = 0

        def start(**environment: str) -> ChaosSite:
            nonlocal count
            count += 1
            folder = tmp_path / f"site-{count}"
            witness = folder / "witness"
            witness.mkdir(parents=True)
            copy_data(prepared, folder / "data")
            return sites.enter_context(ChaosSite(folder / "data", witness, session, **environment))

        yield start


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A Postgres cluster of the experiments' own."""
    if reason := missing_services():
        if os.environ.get("REQUIRE_SERVICES") == "1":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    cluster = Cluster()
    try:
        cluster.create()
        yield cluster
    finally:
        cluster.close()


@pytest.fixture(scope="session")
def doorbell(cluster: Cluster) -> Iterator[Doorbell]:
    """A Redis server of the experiments' own."""
    doorbell = Doorbell()
    doorbell.start()
    yield doorbell
    doorbell.stop()


@pytest.fixture(scope="session")
def fleet_data(
    prepared_data: Path,
    tmp_path_factory: pytest.TempPathFactory,
    shared_folder: Path,
    cluster: Cluster,
    doorbell: Doorbell,
) -> tuple[Path, str]:
    """As `chaos_data`, with a database `prepared` on the cluster as a template."""
    data = tmp_path_factory.mktemp("fleet") / "data"
    copy_data(prepared_data, data)
    (data / "agentsite.sqlite3").unlink()
    cluster.ask("CREATE DATABASE prepared")
    address = cluster.address_of("prepared")
    site = LiveSite(data, {"DATABASE_URL": address, "REDIS_URL": doorbell.address})

    def migrate() -> None:
        site.ask("from runs.management.startup import migrate; migrate()")

    migrate_postgres(address, shared_folder, migrate)
    site.create_user("ada", "a good long password")
    site.ask(PREPARE)
    with psycopg.connect(address) as database:
        for statement in postgres_statements():
            database.execute(statement.encode())
    return data, site.session_of("ada")


@pytest.fixture
def start_fleet(
    fleet_data: tuple[Path, str], tmp_path: Path, cluster: Cluster, doorbell: Doorbell
) -> Iterator[Callable[..., Fleet]]:
    """Start a web process and workers that may be killed: `start_fleet(workers=2, restarts=True)`.

    `through` is the port of a proxy in front of Postgres.
    """
    prepared, session = fleet_data
    with ExitStack() as fleets:

        def start(*, workers: int = 1, restarts: bool = False, through: int = 0, **environment: Any) -> Fleet:
            name = f"fleet_{secrets.token_hex(4)}"
            witness = tmp_path / name / "witness"
            witness.mkdir(parents=True)
            data = tmp_path / name / "data"
            copy_data(prepared, data)
            cluster.ask(f"CREATE DATABASE {name} TEMPLATE prepared")
            if through:
                environment["DATABASE_URL"] = cluster.address_of(name, port=through)
            fleet = Fleet(
                data,
                witness,
                session,
                cluster=cluster,
                database=cluster.address_of(name),
                doorbell=doorbell,
                workers=workers,
                restarts=restarts,
                **environment,
            )
            return fleets.enter_context(fleet)

        yield start
