"""The last read model lists of the servers, by account (server and key).

They are read in the background (`model_refresh.py`); a lookup never waits for a server.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from runs.agent.providers.capabilities import UNKNOWN, Capabilities
from runs.agent.providers.model_catalog.model_entries import ListedModel


@dataclass(frozen=True, slots=True)
class ModelList:
    """The known models of one server."""

    models: Mapping[str, ListedModel] = field(default_factory=dict)
    """The models by name, in the server's order, as last read; kept while the server cannot be reached."""
    read_at: float | None = None
    """Time of the last successful request, in seconds since the epoch; None: not yet."""
    fault: str = ""
    """The failure of the last request; empty if it succeeded."""

    def find(self, name: str) -> ListedModel | None:
        """The model of that name, or the one it is an alias of: `llama3` of `llama3:latest`, `opus` of `opus-20260101`,
        and `model:nitro`, a variant, of `model`. None if it is not listed."""
        if found := self.models.get(name) or self.models.get(f"{name}:latest"):
            return found
        dated = [each for each in self.models if each.startswith(f"{name}-") and _is_date(each[len(name) + 1 :])]
        if dated:
            return self.models[max(dated)]
        base, colon, _ = name.rpartition(":")
        return self.models.get(base) if colon else None


def _is_date(text: str) -> bool:
    digits = text.replace("-", "")
    return len(digits) == 8 and digits.isascii() and digits.isdecimal()


NOT_READ = ModelList()


class ModelLists:
    """All lists of this process. Thread-safe."""

    def __init__(self) -> None:
        self._lists: dict[str, ModelList] = {}
        self._lock = threading.Lock()

    def of(self, account: str) -> ModelList:
        """The list of an account; `NOT_READ` before the first request."""
        return self._lists.get(account, NOT_READ)

    def note(self, account: str, models: Mapping[str, ListedModel]) -> None:
        """Store a list that was just read."""
        with self._lock:
            self._lists[account] = ModelList(dict(models), time.time())

    def note_fault(self, account: str, fault: str) -> None:
        """Store the failure of a request, and keep the previous list."""
        with self._lock:
            self._lists[account] = replace(self.of(account), fault=fault)

    def forget(self) -> None:
        """Drop all lists."""
        with self._lock:
            self._lists.clear()


LISTS = ModelLists()
"""The lists of this process."""


def known_capabilities(account: str, model: str, declared: Capabilities = UNKNOWN) -> Capabilities:
    """The capabilities of a model: declared by its endpoint, else listed by the server; None where unknown.

    `account` is that of the `RemoteModel`.
    """
    listed = LISTS.of(account).find(model)
    return declared.completed_by(listed.capabilities) if listed else declared
