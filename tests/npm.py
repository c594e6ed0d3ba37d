"""Programs from npm that tests run with node."""

import os
import shutil
import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest

INSTALL_LIMIT_S = 180.0


@cache
def why_not() -> str:
    """Why no npm program can run here; empty if they can."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return "needs node 20 or later with npm"
    return ""


def install(what: str, files: Iterable[Path], folder: Path) -> None:
    """Install `what` into `folder`, as the lock file among `files` says.

    Skips the test without npm, unless REQUIRE_SERVICES is 1.
    """
    reason = try_install(files, folder)
    if not reason:
        return
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(f"{what}: {reason}")
    pytest.skip(f"{what}: {reason}")


def try_install(files: Iterable[Path], folder: Path) -> str:
    """Install what the lock file among `files` names into `folder`. Returns the reason if that is not possible."""
    if reason := why_not():
        return reason
    for file in files:
        shutil.copy(file, folder)
    command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_LIMIT_S, check=False)
    return f"npm could not install it: {done.stderr.strip()[-300:]}" if done.returncode else ""
