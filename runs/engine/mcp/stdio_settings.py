"""The stdio servers of `AGENTSITE_MCP_SERVERS`: commands come from the settings only, never from a page.

`{"time": {"command": "uvx", "args": ["mcp-server-time"], "env": ["TZ"]}}`: each by its name, with the names of the
variables that its process gets.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from runs.agent.tools.source_names import is_source_name

MCP_SERVERS: Final = "AGENTSITE_MCP_SERVERS"
DEFAULT_MEMORY_MIB: Final = 1024
_PASSED_ON: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR")
_KEYS: Final = frozenset(("command", "args", "env", "folder", "memory_mib"))


@dataclass(frozen=True, slots=True)
class StdioServer:
    """How a server is started."""

    name: str
    command: str
    args: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    """The names of the variables that it gets, besides PATH, HOME, LANG, LC_ALL, TZ and TMPDIR."""
    folder: str | None = None
    """Where it is started; None: where the site was."""
    memory_mib: int = DEFAULT_MEMORY_MIB
    """Of all its processes together; 0 for no limit."""

    def environment(self, environ: Mapping[str, str] | None = None) -> dict[str, str]:
        """The variables of its process, from those of this one by default."""
        environ = os.environ if environ is None else environ
        return {name: environ[name] for name in (*_PASSED_ON, *self.env) if name in environ}

    def secrets(self, environ: Mapping[str, str] | None = None) -> set[str]:
        """The values of the variables that only it gets, as far as they are long enough to be hidden."""
        environ = os.environ if environ is None else environ
        return {environ[name] for name in self.env if len(environ.get(name, "")) >= 8}


def parse_stdio_servers(text: str) -> dict[str, StdioServer]:
    """The servers in the JSON of the setting, by name; empty for an empty text. Raises `ValueError`."""
    if not text.strip():
        return {}
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError(f"{MCP_SERVERS} is not JSON.") from None
    if not isinstance(entries, dict):
        raise ValueError(f"{MCP_SERVERS} must be a JSON object of servers.")  # noqa: TRY004 - a wrong setting
    return {name: _server(name, entry) for name, entry in entries.items()}


def _server(name: str, entry: Any) -> StdioServer:
    where = f"{MCP_SERVERS}[{name!r}]"
    if not is_source_name(name):
        raise ValueError(f"{where}: a name has at most 24 lower-case letters, digits and single underscores.")
    if not isinstance(entry, dict) or not isinstance(entry.get("command"), str) or not entry["command"].strip():
        raise ValueError(f'{where} must be an object with a "command".')
    if unknown := sorted(entry.keys() - _KEYS):
        raise ValueError(f"{where} has no {unknown[0]!r}; there are {', '.join(sorted(_KEYS))}.")
    memory_mib = entry.get("memory_mib", DEFAULT_MEMORY_MIB)
    if not isinstance(memory_mib, int) or isinstance(memory_mib, bool) or memory_mib < 0:
        raise ValueError(f"{where}.memory_mib must be a number of MiB, or 0 for no limit.")
    folder = entry.get("folder")
    if folder is not None and not isinstance(folder, str):
        raise ValueError(f"{where}.folder must be a path.")
    return StdioServer(
        name, entry["command"], _texts(entry, "args", where), _texts(entry, "env", where), folder, memory_mib
    )


def _texts(entry: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    values = entry.get(key, [])
    if not isinstance(values, list) or not all(isinstance(each, str) and "\0" not in each for each in values):
        raise ValueError(f"{where}.{key} must be a list of texts.")
    return tuple(values)
