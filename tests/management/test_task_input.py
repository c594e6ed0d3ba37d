"""Commands on terminals and in pipes of every kind, and tasks on standard input."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError

from runs.management.task_input import task_from
from runs.models.bounds import MAX_TASK_BYTES
from tests import site_process
from tests.live_site import ROOT, clean_environment, copy_data

TASK = "What is 17 * 23? “Привет” 😀"


@pytest.fixture(scope="module")
def data(prepared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder for all tests of this file."""
    return copy_data(prepared_data, tmp_path_factory.mktemp("terminals") / "data")


def command(data: Path, *arguments: str, said: bytes = b"", **environment: str) -> Any:
    """`manage.py` with bytes in and out."""
    return site_process.run_on_bytes(arguments, clean_environment(data, environment), said=said, limit_s=120)


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "cp1252"])
def test_what_a_terminal_cannot_show_is_replaced_and_the_steps_come(data, encoding):
    done = command(data, "run_agent", "What is 17 * 23? “x”", PYTHONIOENCODING=encoding)

    assert done.returncode == 0, done.stderr
    assert "[answer]" in done.stdout.decode(encoding)
    assert b"Traceback" not in done.stderr


def test_json_loses_nothing_on_a_terminal_without_unicode(data):
    done = command(data, "run_agent", TASK, "--json", PYTHONIOENCODING="ascii")

    assert json.loads(done.stdout.splitlines()[-1])["task"] == TASK


def test_an_agent_whose_name_a_terminal_cannot_show_is_listed_in_an_error_all_the_same(data):
    done = command(data, "run_agent", "1+1", "--agent", "Привет", PYTHONIOENCODING="latin-1")

    assert (done.returncode, b"Traceback" in done.stderr) == (2, False)
    assert b"There is no agent" in done.stderr


@pytest.mark.parametrize(
    ("shell", "code"), [("{command} | true", 141), ("{command} >&-", 0), ("{command} >&- 2>&-", 0)]
)
def test_a_command_whose_output_nobody_reads_ends_in_silence(data, shell, code):
    # The pipe's reader ends at once, before anything is written: setting Django up takes longer.
    line = shell.format(command=f"{sys.executable} manage.py doctor") + "; exit ${PIPESTATUS[0]}"

    done = subprocess.run(
        ["bash", "-c", line], cwd=ROOT, env=clean_environment(data, None), capture_output=True, timeout=60, check=False
    )

    assert (done.returncode, done.stdout, done.stderr) == (code, b"", b"")


def test_a_task_comes_from_standard_input_and_may_be_longer_than_an_argument(data):
    said = "What is 17 * 23? And: " + "x" * 200_000

    done = command(data, "run_agent", "-", "--json", said=said.encode() + b"\r\n")

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["task"] == said


def typed(monkeypatch: pytest.MonkeyPatch, content: bytes) -> str:
    """The task of `-`, with these bytes on standard input."""
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))
    return task_from("-")


@pytest.mark.parametrize(
    ("content", "task"),
    [
        (b"1+1\n", "1+1"),
        (b"\xef\xbb\xbf1+1", "1+1"),
        (b"one\r\ntwo\r\n", "one\ntwo"),
        (b"x" * MAX_TASK_BYTES + b"\r\n", "x" * MAX_TASK_BYTES),
    ],
)
def test_standard_input_is_the_task_without_what_editors_and_shells_add(monkeypatch, content, task):
    assert typed(monkeypatch, content) == task


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "A run needs a task."),
        (b" \n\n", "A run needs a task."),
        (b"a\x00b", "NUL"),
        (b"ab\xff", "not UTF-8: byte 3 is 0xff"),
        ("1+1".encode("utf-16"), "not UTF-8: byte 1 is 0xff"),
        (b"x" * (MAX_TASK_BYTES + 1), "longer than the 262,144 bytes"),
        ("ü".encode() * MAX_TASK_BYTES, "longer than the 262,144 bytes"),
        (b"x" + "😀".encode() * MAX_TASK_BYTES, "longer than the 262,144 bytes"),
    ],
)
def test_standard_input_that_is_no_task_is_one_line_and_exit_code_2(monkeypatch, content, words):
    with pytest.raises(CommandError, match=words) as refused:
        typed(monkeypatch, content)

    assert refused.value.returncode == 2


def test_an_argument_that_is_no_text_or_a_closed_input_is_refused_in_words(monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)

    with pytest.raises(CommandError, match="Standard input is closed"):
        task_from("-")
    with pytest.raises(CommandError, match="A lone surrogate is not a character"):
        task_from(os.fsdecode(b"\xff 1+1"))
