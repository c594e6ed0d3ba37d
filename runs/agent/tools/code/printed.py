"""What a script prints."""

from collections.abc import Callable
from typing import Final

from runs.agent.json_data.json_values import as_storable_text

KEPT_CHARS: Final = 32 * 1024
MAX_CHARS: Final = 1 << 20
"""A script that prints more is ended."""


class Printed:
    """The beginning of what was printed, and its length."""

    def __init__(self) -> None:
        self.length = 0
        self.on_flood: Callable[[], None] = lambda: None
        """Called for what is printed beyond `MAX_CHARS`."""
        self._kept: list[str] = []

    def add(self, _stream: str, text: str) -> None:
        """Take in a piece. Both streams are one text, in the order of the prints."""
        if (room := KEPT_CHARS - self.length) > 0:
            self._kept.append(text[:room])
        self.length += len(text)
        if self.is_flood:
            self.on_flood()

    @property
    def is_flood(self) -> bool:
        """True if more was printed than a script may."""
        return self.length > MAX_CHARS

    def text(self) -> str:
        """What is kept, and a line about the rest."""
        kept = as_storable_text("".join(self._kept))
        if self.length <= KEPT_CHARS:
            return kept
        return f"{kept}\n[cut: the first {KEPT_CHARS:,} of {self.length:,} characters]"
