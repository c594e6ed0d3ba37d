"""A local model server is found only while it runs."""

import fcntl
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from runs.agent.providers.formats.openai import OpenAIFormat
from runs.agent.providers.model_catalog import announced_model_server as discovery
from runs.agent.providers.model_catalog.catalog import provider_for
from runs.agent.providers.model_catalog.suggestions import available_models
from runs.agent.providers.remote_model import RemoteModel

ENTRY = {
    "name": "local",
    "kind": "openai",
    "base_url": "http://127.0.0.1:8081/v1",
    "models": ["smollm2-135m"],
    "prices": {"smollm2-135m": {"input": 0, "output": 0}},
    "context_tokens": 4096,
    "max_output_tokens": 1024,
    "tools": False,
}


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    """The file in which a server announces itself."""
    before = discovery._folder
    discovery.look_in(tmp_path)
    yield tmp_path / "local_model.json"
    discovery.look_in(before)


@pytest.fixture
def running(file: Path) -> Iterator[Path]:
    """The announcement of a running server."""
    with file.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        stream.write(json.dumps([ENTRY]))
        stream.flush()
        yield file


def test_a_server_that_runs_is_found_without_any_setting(running: Path):
    assert available_models(environ={}) == ["offline", discovery.LOCAL_MODEL]
    model = provider_for(discovery.LOCAL_MODEL, environ={})
    assert isinstance(model, RemoteModel) and isinstance(model.wire_format, OpenAIFormat)
    assert model.server.base_url == "http://127.0.0.1:8081/v1"


def test_where_nobody_looks_nothing_is_found(running: Path):
    discovery.look_in(None)

    assert discovery.own_endpoints({}) == []


@pytest.mark.parametrize("left", [json.dumps([ENTRY]), "{half", ""])
def test_what_a_killed_server_left_behind_counts_for_nothing(file: Path, left):
    file.write_text(left)

    assert available_models(environ={}) == ["offline"]
    with pytest.raises(ValueError, match="'local/smollm2-135m' is not running: start it with `make local-model`"):
        provider_for(discovery.LOCAL_MODEL, environ={})


def test_a_server_of_the_same_name_in_the_environment_counts_instead(running: Path):
    named = [{"name": "local", "base_url": "http://127.0.0.1:11434/v1", "models": ["llama3.2"]}]
    environ = {"AGENTSITE_ENDPOINTS": json.dumps(named)}

    assert available_models(environ=environ) == ["offline", "local/llama3.2"]


def test_one_of_another_name_stands_beside_it(running: Path):
    named = [{"name": "ollama", "base_url": "http://127.0.0.1:11434/v1", "models": ["llama3.2"]}]
    environ = {"AGENTSITE_ENDPOINTS": json.dumps(named)}

    assert available_models(environ=environ) == ["offline", "ollama/llama3.2", discovery.LOCAL_MODEL]


@pytest.mark.parametrize("said", [b'[{"name": "local", "wings": 2}]', b"\xff\xfe", b"[5]"])
def test_what_a_server_says_that_makes_no_sense_is_logged_and_stops_nothing(running: Path, caplog, said):
    running.write_bytes(said)  # the same file, so the lock on it is still held

    assert available_models(environ={}) == ["offline"]
    assert "is not used" in caplog.text


def test_a_folder_in_its_place_is_logged_and_stops_nothing(file: Path, caplog):
    file.mkdir()

    assert available_models(environ={}) == ["offline"]
    assert "is not used" in caplog.text
