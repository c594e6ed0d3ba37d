"""The documentation's code blocks, run as printed."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCKS = [
    block
    for page in PAGES
    for block in re.findall(
        r"^```python\n(.*?)^```\n(?:\n^```\n(.*?)^```\n)?", page.read_text(), re.MULTILINE | re.DOTALL
    )
]


def run(script: str, tmp_path: Path, **environment: str) -> str:
    """The output of a script run in a folder of its own."""
    file = tmp_path / "script.py"
    file.write_text(script)
    done = subprocess.run(
        [sys.executable, str(file)],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def block_with(word: str) -> tuple[str, str]:
    """The code block that contains the word, and the output that the page shows for it."""
    ((code, output),) = [(code, output) for code, output in BLOCKS if word in code]
    return code, output


def test_the_script_that_streams_thoughts_prints_what_is_said(tmp_path):
    code, output = block_with("stream_agent_execution")

    assert run(code, tmp_path) == output


def test_the_tool_to_start_from_works(tmp_path):
    code, _ = block_with("def stock_level")
    call = (
        "\nimport asyncio\nfrom runs.agent import execute_tool_by_name, get_available_tools\n"
        "print(asyncio.run(execute_tool_by_name('stock_level', article='A-100')))\n"
        "print([each['effect'] for each in get_available_tools() if each['name'] == 'stock_level'])\n"
    )

    assert run(code + call, tmp_path) == "12\n['read']\n"


@pytest.mark.parametrize("code", [code for code, _ in BLOCKS])
def test_every_example_is_python(code):
    ast.parse(code)
