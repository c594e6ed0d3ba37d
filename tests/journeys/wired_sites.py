"""Sites whose model is a wire server. One that a test has left as it found it is kept for the next test.

A start and what is made at the first pages takes more CPU time than most tests.
"""

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.live_site import LiveSite, copy_data
from tests.site_ports import SitePorts
from tests.wire import WireServer

AT_WORK = "SELECT 1 FROM runs_run WHERE owner IS NOT NULL OR status IN ('idle', 'thinking', 'executing')"
REST_WITHIN_S = 0.5
"""How long a run may go on after its test."""


@dataclass(frozen=True, slots=True)
class WiredSite:
    """A site with default settings, and the model server of its model `local/m1`."""

    site: LiveSite
    wire: WireServer

    def is_as_new(self) -> bool:
        """True if the next test finds nothing of the one before, but accounts and runs that its person does not see.

        Not so if the site was stopped, signalled, changed by a command or used by staff, if a run is at work, or if a
        reply failed: all runs know the health of a provider.
        """
        return self.site.is_alive and not self.site.was_changed and not self.wire.has_failed and self._is_at_rest()

    def _is_at_rest(self) -> bool:
        give_up_at = time.monotonic() + REST_WITHIN_S
        with closing(sqlite3.connect(self.site.data / "agentsite.sqlite3", timeout=20)) as database:
            while database.execute(AT_WORK).fetchone() is not None:
                if time.monotonic() > give_up_at:
                    return False
                time.sleep(0.02)
        return True

    def close(self) -> None:
        """End both."""
        self.site.close()
        self.wire.stop()


class KeptSites:
    """One site at most that waits for its next test."""

    def __init__(self) -> None:
        self._kept: WiredSite | None = None

    def take(self) -> WiredSite | None:
        """The site that was left last, whose model server has forgotten the test before; None if there is none."""
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.wire.renew()
        return kept

    def leave(self, wired: WiredSite) -> bool:
        """Keep the site if it is as new. False for one that the caller has to close."""
        if wired.is_as_new():
            self._kept = wired
        return self._kept is wired


def environment_for(wire: WireServer) -> dict[str, str]:
    """The settings of a site whose model `local/m1` is this server."""
    endpoint = {"name": "local", "kind": "openai", "base_url": wire.base_url, "models": ["m1"]}
    return {"AGENTSITE_ENDPOINTS": json.dumps([endpoint])}


@pytest.fixture
def start_wired(start_site: Callable[..., LiveSite], wire_server: WireServer) -> Callable[..., LiveSite]:
    """Start a site whose model `local/m1` is the wire server, and its one user, ada."""

    def start(**environment: str) -> LiveSite:
        site = start_site(**environment_for(wire_server), **environment)
        site.create_user("ada")
        return site

    return start


@pytest.fixture(scope="session")
def kept_sites() -> Iterator[KeptSites]:
    """The site that a test of this process has left for the next one."""
    kept = KeptSites()
    yield kept
    if (wired := kept.take()) is not None:
        wired.close()


@pytest.fixture
def wired(
    kept_sites: KeptSites, prepared_data: Path, tmp_path_factory: pytest.TempPathFactory, site_ports: SitePorts
) -> Iterator[WiredSite]:
    """A site with default settings whose model `local/m1` is a wire server; its one user is ada, or so it seems."""
    wired = kept_sites.take()
    if wired is None:
        wire = WireServer().start()
        data = copy_data(prepared_data, tmp_path_factory.mktemp("wired") / "site")
        wired = WiredSite(LiveSite(data, environment_for(wire), port=site_ports.take()), wire)
        wired.site.start()
    wired.site.create_user("ada")
    yield wired
    refusals = [refusal.message for refusal in wired.wire.refusals]
    if not kept_sites.leave(wired):
        wired.close()
        site_ports.give_back(wired.site.port)
    assert refusals == []


@pytest.fixture
def wire_server(request: pytest.FixtureRequest) -> Iterator[WireServer]:
    """The model server of the test's site, or one of its own if that has other settings."""
    if "wired" in request.fixturenames:
        yield request.getfixturevalue("wired").wire
        return
    with WireServer() as server:
        yield server
        assert [refusal.message for refusal in server.refusals] == []
