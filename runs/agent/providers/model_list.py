"""The lists of models that servers were last heard to have, by who is asked with which key.

They are read in the background (`model_refresh.py`); nothing that looks here ever waits for a server.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from runs.agent.providers.capabilities import UNKNOWN, Capabilities
from runs.agent.providers.model_entries import ListedModel


@dataclass(frozen=True, slots=True)
class ModelList:
    """What is known of one server's models."""

    models: Mapping[str, ListedModel] = field(default_factory=dict)
    """By name, in the server's order; as it was last heard, also if it cannot be asked now."""
    read_at: float | None = None
    """When the server was last heard, in seconds since the epoch; None: not yet."""
    fault: str = ""
    """Why it could not be read the last time; empty if it could."""

    def find(self, name: str) -> ListedModel | None:
        """The model of that name, or the one it stands for: `llama3` for `llama3:latest`, `opus` for `opus-20260101`,
        and `model:nitro`, a way to serve `model`. None if it is not listed."""
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
    """The lists of this process. Threads may use it together."""

    def __init__(self) -> None:
        self._lists: dict[str, ModelList] = {}
        self._lock = threading.Lock()

    def of(self, account: str) -> ModelList:
        """What is known of the server asked with that account; `NOT_READ` if it was not asked yet."""
        return self._lists.get(account, NOT_READ)

    def note(self, account: str, models: Mapping[str, ListedModel]) -> None:
        """Keep a list that was read just now."""
        with self._lock:
            self._lists[account] = ModelList(dict(models), time.time())

    def note_fault(self, account: str, fault: str) -> None:
        """Keep why a list could not be read, and the list of before."""
        with self._lock:
            self._lists[account] = replace(self.of(account), fault=fault)

    def forget(self) -> None:
        """Know nothing again."""
        with self._lock:
            self._lists.clear()


LISTS = ModelLists()
"""Those of this process."""


def known_capabilities(account: str, model: str, declared: Capabilities = UNKNOWN) -> Capabilities:
    """What is known of a model: what its endpoint declares, then what the server's list says; None where neither does.

    `account` is that of the `ServedModel`.
    """
    listed = LISTS.of(account).find(model)
    return declared.completed_by(listed.capabilities) if listed else declared
