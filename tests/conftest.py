"""Fixtures for all tests."""

import gc
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from runs.agent.tools import registry
from tests.database_flush import flush_quickly
from tests.live_site import LiveSite, copy_data
from tests.prepared import django_db_setup, prepared_data, shared_folder  # noqa: F401  for all tests
from tests.site_ports import SitePorts
from tests.wire import WireServer

TESTS = Path(__file__).parent
NO_DATABASE_FIRST = ("agent/providers/test_message_mapping.py", "recurrence/test_due_ticks.py")
"""Files that keep two workers busy for the ten seconds in which another one makes the database that the rest copies."""
LONGEST_FIRST = (
    *NO_DATABASE_FIRST,
    *("chaos", "scale_out", "journeys", "project", "operations"),
    *("time_limits", "hostile", "management", "engine", "live"),
    *("web/test_permissions", "agent/model_calls", "api"),
)
"""Folders and files."""
EXPERIMENTS = (
    *("agent/model_calls/test_model_chaos.py", "agent/providers/error_mapping/test_model_chaos_mapping.py"),
    "agent/test_cancel_fuzz_wire.py",
    *("agent/tools/data/test_hostile_sql.py", "agent/tools/test_large_outputs.py", "agent/tools/web/test_floods.py"),
    *("api/test_schemathesis.py", "chaos", "engine/test_cancel_fuzz.py", "engine/test_interleavings.py"),
    *("engine/mcp/real_servers", "engine/mcp/test_mcp_faults.py", "engine/mcp/test_mcp_hostile.py"),
    *("journeys/test_cut_off.py", "journeys/test_twice_and_lost.py", "operations/test_backup.py"),
    *("operations/test_frozen_loop.py", "operations/test_hostile_texts.py", "operations/test_move.py"),
    *("operations/test_unwritable.py", "project/test_connections.py", "project/test_proxies.py"),
    *("project/test_sign_ins_at_once.py", "scale_out", "time_limits"),
)
"""Folders and files that break, flood or starve what they test, or start several processes: `make experiments`.

A test in another file that does so has the mark itself.
"""
TIMEOUTS_S = {
    "chaos": 3600 if os.environ.get("CHAOS") == "full" else 300,
    "time_limits": 3600 if os.environ.get("CHAOS") == "full" else 120,
    **dict.fromkeys(("doubles", "journeys", "local_model", "management", "operations", "project", "scale_out"), 180),
}
"""Seconds for one test, fixtures included, in folders whose tests start processes, browsers and installations."""
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
HEADLESS_SHELL = os.environ.get("CHROMIUM") or shutil.which("chromium-headless-shell") or CHROMIUM
"""The same browser without windows, which takes a third less CPU time. It has no back-forward cache."""


settings.register_profile("any-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any-machine")
"""How fast invented input is made and met says something of the machine: the first draw of text builds its tables."""


def pytest_configure() -> None:
    """Handle Ctrl-C even as a shell's background job, which ignores it; the started servers would inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    flush_quickly()


def pytest_collection() -> None:
    """Collect no garbage while tests are collected: there is none."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Exempt what is there from garbage collection, which would look at half a million objects again and again.

    What tests leave is collected fourteen times less often than usual, which saves a twentieth of their CPU time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)
    gc.enable()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not read files all of whose tests would be deselected by their mark."""
    if not collection_path.name.startswith("test_") or not collection_path.is_relative_to(TESTS):
        return None
    path = collection_path.relative_to(TESTS).as_posix()
    match config.option.markexpr:
        case "experiment":
            has_any = path.startswith(EXPERIMENTS) or "mark.experiment" in collection_path.read_text()
        case "local_model":
            has_any = path.startswith("local_model")
        case expression:
            has_any = "not experiment" not in expression or not path.startswith(EXPERIMENTS)
    return None if has_any else True


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Start with the slow files, so that no test worker is left alone with one at the end.

    Marks are set before pytest chooses by them, and the order after its plugins have theirs. Skip browser tests without
    a browser. With REQUIRE_SERVICES=1 a missing one is a failure.
    """
    _mark(items)
    yield
    items.sort(key=_place)


def _mark(items: list[pytest.Item]) -> None:
    for item in items:
        room = item.path.relative_to(TESTS).parts[0]
        if room in TIMEOUTS_S and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(TIMEOUTS_S[room]))
        if item.path.relative_to(TESTS).as_posix().startswith(EXPERIMENTS):
            item.add_marker(pytest.mark.experiment)
    if CHROMIUM or os.environ.get("REQUIRE_SERVICES") == "1":
        return
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.skip(reason="needs Chromium: run `make browser`, or name one in CHROMIUM"))


def _place(item: pytest.Item) -> int:
    path = item.path.relative_to(TESTS).as_posix()
    return next((place for place, start in enumerate(LONGEST_FIRST) if path.startswith(start)), len(LONGEST_FIRST))


@pytest.fixture
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tools registered in a test are removed after it."""
    registry.registered_tools()  # The built-in ones register once in a process.
    monkeypatch.setattr(registry, "_layers", {layer: dict(tools) for layer, tools in registry._layers.items()})


@pytest.fixture(scope="session")
def site_ports() -> SitePorts:
    """Where sites are served: anywhere."""
    return SitePorts()


@pytest.fixture
def start_site(
    prepared_data: Path,  # noqa: F811  the fixture above
    tmp_path: Path,
    site_ports: SitePorts,
) -> Iterator[Callable[..., LiveSite]]:
    """Start a real server: `start_site(AGENTSITE_ENDPOINTS=…)`. Each has its own data; all are stopped after the
    test."""
    sites: list[LiveSite] = []

    def start(**environment: str) -> LiveSite:
        data = tmp_path / f"site-{len(sites)}"
        copy_data(prepared_data, data)
        site = LiveSite(data, environment, port=site_ports.take())
        sites.append(site)
        return site.start()

    yield start
    for site in sites:
        site.close()
        site_ports.give_back(site.port)


@pytest.fixture
def live_site(start_site: Callable[..., LiveSite]) -> Any:
    """A real server with default settings and no users."""
    return start_site()


@pytest.fixture
def wire_server() -> Iterator[WireServer]:
    """A model server that speaks every provider's wire format and fails on command; its model is `m1`.

    A request that a provider would refuse fails the test, whatever its outcome.
    """
    with WireServer() as server:
        yield server
        assert [refusal.message for refusal in server.refusals] == []
