"""`agent_tools.py` of an installed app: loaded at the start, usable in runs."""

import json
import shutil
from pathlib import Path

import pytest
from django.apps import AppConfig
from django.core.exceptions import ImproperlyConfigured

from runs.apps import discover_tools
from tests.live_site import manage
from tests.project.test_tool_modules import LIST_TOOLS
from tests.wire import Answer, WireServer

EXAMPLE = {"AGENTSITE_APPS": "tests.example_app"}


def write_app(folder: Path, name: str, source: str) -> Path:
    """Write an app with this `agent_tools.py`. Returns the file."""
    (folder / name).mkdir()
    (folder / name / "__init__.py").touch()
    file = folder / name / "agent_tools.py"
    file.write_text(source)
    return file


def test_the_tools_of_an_installed_app_stand_beside_the_built_in_ones(tmp_path):
    result = manage("shell", "--no-imports", "-c", LIST_TOOLS, data=tmp_path / "data", environment=EXAMPLE)

    assert result.returncode == 0, result.stderr
    for name in ("stock_level", "price_with_tax", "reserve", "send_invoice", "calculator"):
        assert f"'{name}'" in result.stdout


def test_an_app_without_tools_is_none_the_worse_for_it():
    discover_tools([AppConfig.create("django.contrib.sessions")])


def test_a_run_uses_an_apps_tools_and_each_step_says_what_the_call_does_outside(
    prepared_data: Path, tmp_path: Path, wire_server: WireServer
) -> None:
    data = shutil.copytree(prepared_data, tmp_path / "data")
    never_ask = "from runs.models import Agent; Agent.objects.update(approval='never')"
    assert manage("shell", "--no-imports", "-c", never_ask, data=data).returncode == 0
    wire_server.script(
        Answer(calls=[("stock_level", {"article": "A-100"}), ("send_invoice", {"order": "7"}), ("reserve", {})]),
        Answer("There are 12."),
    )
    endpoint = {"name": "local", "kind": "openai", "base_url": wire_server.base_url, "models": ["m1"]}
    environment = EXAMPLE | {"AGENTSITE_ENDPOINTS": json.dumps([endpoint])}

    result = manage(
        *("run_agent", "How many A-100?", "--model", "local/m1", "--json"), data=data, environment=environment
    )

    assert result.returncode == 0, result.stderr
    *steps, run = [json.loads(line) for line in result.stdout.splitlines()]
    assert (run["status"], run["answer"]) == ("completed", "There are 12.")
    calls = {step["tool_name"]: step for step in steps if step["kind"] == "tool_call"}
    results = {step["tool_name"]: step for step in steps if step["kind"] == "tool_result"}
    assert {name: step["metadata"]["effect"] for name, step in calls.items()} == {
        "stock_level": "read",
        "send_invoice": "unsafe",
        "reserve": "idempotent",
    }
    assert results["stock_level"]["tool_output"] == 12
    assert results["send_invoice"]["content"] == "Invoice 7 is on its way."
    assert "- order: is required" in results["reserve"]["content"]
    offered = {each["function"]["name"]: each["function"] for each in wire_server.requests[0].body["tools"]}
    assert offered["price_with_tax"]["parameters"]["properties"]["percent"]["description"] == "The tax rate."
    assert offered["stock_level"]["parameters"]["properties"]["article"]["description"].startswith("The article number")


def test_a_broken_agent_tools_stops_the_start_with_one_line_and_exit_code_2(tmp_path):
    file = write_app(tmp_path, "shop", "\n\nraise KeyError('SHOP_URL')")

    result = manage(
        *("shell", "--no-imports", "-c", LIST_TOOLS),
        data=tmp_path / "data",
        environment={"AGENTSITE_APPS": "shop", "PYTHONPATH": str(tmp_path)},
    )

    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == f"Agentsite: {file}: line 3: KeyError: 'SHOP_URL'\n"


TWICE = """
from runs.agent import tool

@tool
def same() -> None:
    'One.'

@tool('same')
def other() -> None:
    'Two.'
"""


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import no_such_library", "it imports no_such_library, which is missing."),
        ("from math import no_such_name", "line 1: ImportError: cannot import name 'no_such_name'"),
        ("def broken(:", "SyntaxError: "),
        ("from runs.agent import tool\n@tool\ndef untyped(article):\n    'No type.'\n", "line 2: TypeError: untyped: "),
        (TWICE, "line 8: ValueError: Two tools are named 'same': "),
    ],
)
def test_what_is_wrong_with_it_is_said_with_its_file_and_line(own_registry, source, reason, tmp_path, monkeypatch):
    name = f"shop_{tmp_path.name}"
    file = write_app(tmp_path, name, source)
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(ImproperlyConfigured) as caught:
        discover_tools([AppConfig.create(name)])

    assert str(caught.value).startswith(f"{file}: {reason}")
    assert "\n" not in str(caught.value)
