"""MCP servers that people use, from npm and PyPI: installed for the tests, and how each is started and called."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import npm
from tests.site_process import ROOT

HERE = Path(__file__).parent
NPM_FILES = [HERE / name for name in ("package.json", "package-lock.json", ".npmrc")]
VENV = ROOT / ".venv-mcp-servers"
STAMP = ".venv-mcp-servers/.requirements"
INSTALL_LIMIT_S = 300.0


@dataclass(frozen=True)
class RealServer:
    """A server, and a call of it that every test of these may make again and again."""

    name: str
    command: list[str]
    tool: str
    arguments: dict[str, Any]
    result: str
    """Part of the result of the call."""
    refused: tuple[str, dict[str, Any], str]
    """A tool, arguments that fit its schema and that the server refuses, and part of what it says then."""

    @property
    def entry(self) -> dict[str, Any]:
        """That of the setting."""
        return {"command": self.command[0], "args": self.command[1:], "env": ["MEMORY_FILE_PATH"], "memory_mib": 2048}


def install_from_pypi() -> None:
    """Make the virtual environment of the servers. Skips the test if that is impossible, unless REQUIRE_SERVICES is
    1."""
    if shutil.which("make") is None:
        reason = "needs make"
    else:
        done = subprocess.run(
            ["make", STAMP], cwd=ROOT, capture_output=True, text=True, timeout=INSTALL_LIMIT_S, check=False
        )
        if done.returncode == 0:
            return
        reason = f"`make {STAMP}` failed: {done.stderr.strip()[-300:]}"
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def install_from_npm(folder: Path) -> None:
    """Install the servers of npm into the folder, or skip the test."""
    npm.install("The MCP servers", NPM_FILES, folder)


def make_repository(folder: Path) -> None:
    """A Git repository with one commit."""
    folder.mkdir()
    (folder / "tides.txt").write_text("High at 6.\n")
    git = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    for command in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "Note the tides."]):
        subprocess.run([*git, *command], cwd=folder, check=True)


def real_servers(modules: Path, folder: Path, page_url: str) -> dict[str, RealServer]:
    """All servers, by their names. `folder` is for what they read and write, `page_url` a page that one may fetch."""
    repository, files = str(folder / "repository"), folder / "files"
    files.mkdir()
    (files / "tides.txt").write_text("High at 6.\n")
    (folder / "memory").mkdir()
    nobody = {"observations": [{"entityName": "Nobody", "contents": ["Is there."]}]}
    servers = [
        _from_npm(
            modules, "everything", ["stdio"], "echo", {"message": "Tide."}, "Tide.",
            ("get-resource-reference", {"resourceType": "Text", "resourceId": 0.5}, "Invalid resourceId"),
        ),
        _from_npm(
            modules, "filesystem", [str(files)], "read_text_file", {"path": str(files / "tides.txt")}, "High at 6.",
            ("read_text_file", {"path": "/etc/passwd"}, "outside allowed directories"),
        ),
        _from_npm(modules, "memory", [], "read_graph", {}, "entities", ("add_observations", nobody, "Nobody")),
        _from_pypi(
            "time", ["--local-timezone", "UTC"], "get_current_time", {"timezone": "Europe/Berlin"}, "Europe/Berlin",
            ("get_current_time", {"timezone": "Mars/Olympus"}, "Invalid timezone"),
        ),
        _from_pypi(
            "git", ["--repository", repository], "git_log", {"repo_path": repository}, "Note the tides.",
            ("git_log", {"repo_path": "/etc"}, "outside"),
        ),
        _from_pypi(
            "fetch", ["--allow-private-ips", "--ignore-robots-txt"],
            "fetch", {"url": page_url, "raw": True}, "High at 6.",
            ("fetch", {"url": f"{page_url}missing"}, "status code 404"),
        ),
    ]  # fmt: skip
    return {server.name: server for server in servers}


def _from_npm(modules: Path, name: str, args: list[str], *call: Any) -> RealServer:
    program = modules / "node_modules" / "@modelcontextprotocol" / f"server-{name}" / "dist" / "index.js"
    return RealServer(name, ["node", str(program), *args], *call)


def _from_pypi(name: str, args: list[str], *call: Any) -> RealServer:
    return RealServer(name, [str(VENV / "bin" / "python"), "-m", f"mcp_server_{name}", *args], *call)
