"""The Makefile's commands name a missing requirement before they fail."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

WITHOUT_ENSUREPIP = """#!/bin/sh
case "$2" in *ensurepip*) exit 1 ;; esac
exec {python} "$@"
"""
TOO_OLD = """#!/bin/sh
exit 1
"""


@pytest.fixture
def clone(tmp_path):
    """A fresh clone's Makefile, and a PATH that has only the programs a test adds."""
    for name in ("Makefile", "requirements.txt", "requirements-dev.txt"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "local_model", tmp_path / "local_model")
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("sh", "awk", "rm", "touch"):
        (programs / name).symlink_to(shutil.which(name))
    return tmp_path


def add_python(clone: Path, name: str, script: str) -> None:
    """Add a program named like a Python interpreter."""
    program = clone / "bin" / name
    program.write_text(script.format(python=sys.executable))
    program.chmod(0o755)


def make(clone: Path, target: str) -> subprocess.CompletedProcess[str]:
    """Run `make` with a target in the clone."""
    return subprocess.run(
        [shutil.which("make") or "make", target],
        cwd=clone,
        env={"PATH": str(clone / "bin")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("target", ["run", "local-model"])
def test_where_ensurepip_is_missing_the_one_apt_line_is_printed(clone, target):
    add_python(clone, "python3.12", WITHOUT_ENSUREPIP)

    result = make(clone, target)

    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert result.returncode == 2
    assert result.stderr.splitlines()[0] == (
        f"python3.12 cannot make virtual environments here: sudo apt install python{version}-venv"
    )


@pytest.mark.parametrize("target", ["test", "local-model"])
def test_without_a_python_that_is_new_enough_the_one_apt_line_is_printed(clone, target):
    add_python(clone, "python3", TOO_OLD)

    result = make(clone, target)

    assert result.returncode == 2
    assert result.stderr.splitlines()[0] == (
        "Agentsite needs Python 3.11 or later: sudo apt install python3 python3-venv"
    )


def test_help_lists_every_target(clone):
    text = (ROOT / "Makefile").read_text()
    targets = re.findall(r"^\.PHONY: (.+)$", text, re.MULTILINE)[0].split()

    listed = [line.split()[1] for line in make(clone, "help").stdout.splitlines()]

    assert listed == targets
