"""Servers to be killed, each in a data folder of its own."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.chaos.site import ChaosSite
from tests.live_site import LiveSite

PREPARE = """
from runs.models import Agent
Agent.objects.update(model_names=["wire/m1"], max_seconds=3600)
"""


@pytest.fixture(scope="session")
def chaos_data(prepared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A data folder with a person whose runs ask the wire model, and the session of that person."""
    data = tmp_path_factory.mktemp("chaos") / "data"
    shutil.copytree(prepared_data, data)
    site = LiveSite(data)
    site.create_user("ada", "a good long password")
    site.ask(PREPARE)
    return data, site.session_of("ada")


@pytest.fixture
def start_chaos(chaos_data: tuple[Path, str], tmp_path: Path) -> Iterator[Callable[[], ChaosSite]]:
    """Start a server that may be killed. It is gone after the test."""
    prepared, session = chaos_data
    with ExitStack() as sites:
        count = 0

        def start() -> ChaosSite:
            nonlocal count
            count += 1
            folder = tmp_path / f"site-{count}"
            witness = folder / "witness"
            witness.mkdir(parents=True)
            shutil.copytree(prepared, folder / "data")
            return sites.enter_context(ChaosSite(folder / "data", witness, session))

        yield start
