"""AGENTSITE_TOOLS: modules with tools of one's own, loaded at the start."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

LIST_TOOLS = (
    "from runs.agent.tools.registry import get_available_tools; print([tool['name'] for tool in get_available_tools()])"
)


def start_with(tmp_path: Path, source: str) -> subprocess.CompletedProcess[str]:
    """List the tools of a site whose AGENTSITE_TOOLS names a module with this source."""
    (tmp_path / "shop_tools.py").write_text(source)
    return subprocess.run(
        [sys.executable, "manage.py", "shell", "--no-imports", "-c", LIST_TOOLS],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(tmp_path),
            "AGENTSITE_DATA": str(tmp_path / "data"),
            "AGENTSITE_TOOLS": "shop_tools",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_tool_of_a_named_module_stands_beside_the_built_in_ones(tmp_path):
    result = start_with(
        tmp_path,
        "from runs.agent.tools.registry import tool\n\n"
        "@tool(effect='read')\n"
        "def stock_level(article: str) -> int:\n"
        "    'How many pieces of an article are in stock.'\n"
        "    return 12\n",
    )

    assert result.returncode == 0, result.stderr
    assert "'stock_level'" in result.stdout
    assert "'calculator'" in result.stdout


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import no_such_library", "it imports no_such_library, which is missing."),
        ("from math import no_such_name", "line 1: ImportError: cannot import name 'no_such_name'"),
        ("def broken(:", "SyntaxError: "),
        (
            "from runs.agent.tools.registry import tool\n\n@tool\ndef untyped(article):\n    'No type.'\n",
            "shop_tools: ",
        ),
    ],
)
def test_a_module_that_cannot_be_imported_is_one_line_and_exit_code_2(source, reason, tmp_path):
    result = start_with(tmp_path, source)

    assert result.returncode == 2, result.stdout
    assert result.stderr.startswith("Agentsite: AGENTSITE_TOOLS=shop_tools: ")
    assert reason in result.stderr
    assert len(result.stderr.splitlines()) == 1
