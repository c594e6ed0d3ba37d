"""One real model for all tests here."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local_model.server import LocalModel, install

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark these tests, which take a minute and run by themselves: `make test ARGS="-n 0 -m local_model"`."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.local_model)


@pytest.fixture(scope="session")
def data(prepared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site's data folder, where the model announces itself."""
    return shutil.copytree(prepared_data, tmp_path_factory.mktemp("local-model") / "data")


@pytest.fixture(scope="session")
def running_model(data: Path) -> Iterator[LocalModel]:
    """The server."""
    install()
    model = LocalModel(data).start()
    yield model
    model.close()


@pytest.fixture
def local_model(running_model: LocalModel) -> LocalModel:
    """The server, idle."""
    running_model.seconds_until_idle(30)
    return running_model
