"""The real npm client of AG-UI, run by node."""

import json
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
FILES = ("package.json", "package-lock.json", ".npmrc", "follow.mjs")
INSTALL_LIMIT_S, RUN_LIMIT_S = 180.0, 60.0


@cache
def why_not() -> str:
    """Why the client cannot run here; empty if it can."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return "needs node 20 or later with npm: the real AG-UI client is an npm package"
    return ""


def install(folder: Path) -> None:
    """Put the client into `folder`. Skips the test where there is no way to, unless REQUIRE_SERVICES is 1."""
    reason = why_not()
    if not reason:
        for name in FILES:
            shutil.copy(HERE / name, folder)
        command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_LIMIT_S, check=False)
        if done.returncode == 0:
            return
        reason = f"npm could not install the AG-UI client: {done.stderr.strip()[-300:]}"
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


class Client:
    """A program that uses the client with a token, in one thread."""

    def __init__(self, folder: Path, url: str, token: str, thread_id: str) -> None:
        self._folder = folder
        self._job = {"url": url, "token": token, "threadId": thread_id}

    def run(self, *asks: dict[str, Any], messages: list[Any] | None = None) -> list[dict[str, Any]]:
        """What the client had rebuilt after each ask."""
        done = subprocess.run(
            ["node", "follow.mjs"],
            cwd=self._folder,
            input=json.dumps(self._job | {"asks": asks, "messages": messages or []}),
            capture_output=True,
            text=True,
            timeout=RUN_LIMIT_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]
