"""Containers, units and the list of settings name only things that exist."""

import fnmatch
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands
from django.urls import resolve

from runs.agent.providers.model_catalog.hosted_providers import HOSTED
from runs.agent.tools.web.search_settings import VARIABLES as SEARCH_VARIABLES

ROOT = Path(__file__).resolve().parents[2]
OURS = re.compile(r'env_\w+\(\s*"([A-Z_]+)"')
UNITS = sorted((ROOT / "deploy").glob("*.service"))


def settings_read() -> set[str]:
    """The environment variables the site reads: those of its settings, of the web search and of the model providers."""
    read = set(OURS.findall((ROOT / "agentsite/settings.py").read_text())) | {"REDIS_URL", *SEARCH_VARIABLES}
    return read | {name for each in HOSTED.values() for name in (*each.key_envs, each.base_url_env)}


def compose() -> dict[str, Any]:
    """The parsed Compose file."""
    content: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
    return content


def command_in(words: str) -> str:
    """The `manage.py` command in a command line."""
    found = re.search(r"manage\.py[\", ']+([a-z_]+)", words)
    assert found, words
    return found[1]


def test_every_setting_is_in_the_example_once_and_everything_in_the_example_is_a_setting():
    named = re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    example = set(named)

    assert len(named) == len(example), "of two lines the last one would count"
    # GEMINI_API_KEY is an alias of another setting; the password belongs to Compose.
    assert example - {"POSTGRES_PASSWORD"} == settings_read() - {"GEMINI_API_KEY"}
    assert "${POSTGRES_PASSWORD:?" in (ROOT / "compose.yaml").read_text()


def test_every_setting_is_in_the_documentation():
    page = (ROOT / "docs/configuration.md").read_text()

    assert {name for name in settings_read() if f"`{name}`" not in page} == set()


def test_the_file_for_compose_names_commands_settings_volumes_and_services_that_exist():
    file = compose()
    services = file["services"]

    assert set(services) == {"web", "worker", "postgres", "redis"}
    for name in ("web", "worker"):
        service = services[name]
        assert command_in(" ".join(service["command"])) in get_commands()
        assert set(service["environment"]) <= settings_read()
        assert set(service["depends_on"]) <= set(services)
        # A drain takes at most 8.5 s.
        assert int(service["stop_grace_period"].removesuffix("s")) > 10
    for service in services.values():
        assert service["restart"] == "unless-stopped"
        assert service["healthcheck"]["test"][0] == "CMD"
        assert {volume.split(":")[0] for volume in service.get("volumes", ())} <= set(file["volumes"])
    assert not re.search(r"PASSWORD: *[a-z0-9]", (ROOT / "compose.yaml").read_text()), "no password is in it"


@pytest.mark.parametrize("file", ["compose.yaml", "Dockerfile"])
def test_whoever_watches_a_container_asks_for_a_page_that_exists(file):
    paths = re.findall(r"http://127\.0\.0\.1:[^/\s]*?(/\w+)'", (ROOT / file).read_text())

    assert paths
    for path in paths:
        assert resolve(path).url_name in ("healthz", "readyz")


def test_an_image_is_made_of_files_that_exist_and_runs_as_nobody_in_particular():
    text = (ROOT / "Dockerfile").read_text()
    ignore = (ROOT / ".dockerignore").read_text().splitlines()
    allowed = [line.removeprefix("!") for line in ignore if line.startswith("!")]
    copied = [word for line in re.findall(r"^COPY (?!--from)(.*) \S+$", text, re.MULTILINE) for word in line.split()]

    assert ignore[0] == "*", "nothing gets in that is not named: no .env, no data"
    for name in copied:
        assert (ROOT / name).exists(), name
        assert any(fnmatch.fnmatch(name, each) for each in allowed), f"{name} is kept out by .dockerignore"
    assert set(allowed) == set(copied)
    *_, last = re.findall(r"^USER (\w+)$", text, re.MULTILINE)
    assert last == "agentsite"
    assert command_in(text.rpartition("CMD")[2]) in get_commands()


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_starts_a_command_that_exists_and_gives_it_time_to_drain(unit):
    text = unit.read_text()

    assert command_in(re.search(r"^ExecStart=(.*)$", text, re.MULTILINE)[1]) in get_commands()
    assert "\nRestart=always\n" in text
    assert int(re.search(r"^TimeoutStopSec=(\d+)$", text, re.MULTILINE)[1]) > 10


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze (Debian: systemd)")
def test_systemd_understands_every_line_of_the_units():
    done = subprocess.run(
        ["systemd-analyze", "verify", *map(str, UNITS)],
        env={"PATH": os.environ["PATH"], "SYSTEMD_LOG_LEVEL": "warning"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    # The installation's folder does not exist here, and the test host has none of the other services.
    complaints = [line for line in done.stderr.splitlines() if UNITS[0].stem in line]
    assert [line for line in complaints if "is not executable" not in line] == []


def test_every_command_is_in_the_documentation():
    page = (ROOT / "docs/operations.md").read_text()
    commands = {path.stem for path in (ROOT / "runs/management/commands").glob("[a-z]*.py")} - {"serve"}

    assert {name for name in commands if f"manage.py {name}" not in page} == set()
