"""Separation of thoughts that a server leaves between tags in the text, while streaming and for the whole text."""

from dataclasses import dataclass
from typing import Final, Literal

from runs.agent.messages import Delta

_TAGS: Final = (
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<seed:think>", "</seed:think>"),
    ("[THINK]", "[/THINK]"),
    ("<reasoning>", "</reasoning>"),
)
TRANSPORT_TAGS: Final = ("\x00thoughts", "\x00/thoughts")
"""Tags that never occur, to disable the transport's own search, which finds only tags that are a separate piece."""

_LONGEST: Final = max(len(tag) for pair in _TAGS for tag in pair)
_MAX_BLANK_CHARS: Final = 1_000
_MAX_THOUGHTS: Final = 100
"""Limit of consecutive thoughts: the search for each copies the rest of the text."""


def split_thoughts(text: str) -> tuple[str, str]:
    """The thoughts at the beginning of a text, and the rest of it.

    If the opening tag is part of the model's prompt, only the closing tag is in the text: it counts at the end or
    beginning of a line, outside of code.
    """
    thoughts: list[str] = []
    rest = text
    while len(thoughts) < _MAX_THOUGHTS and (found := _opened(rest)) is not None:
        begin, close = found
        thought, closing, after = rest[begin:].partition(close)
        thoughts.append(thought.strip())
        rest = after
        if not closing:
            break
    if not thoughts and (unopened := _unopened(text)) is not None:
        thoughts, rest = [unopened[0].strip()], unopened[1]
    if not thoughts:
        return "", text
    return "\n\n".join(each for each in thoughts if each), rest.lstrip()


def _opened(text: str) -> tuple[int, str] | None:
    """The start of the thought at the beginning of the text, and its closing tag; None without one."""
    start = len(text) - len(text.lstrip())
    for tag, close in _TAGS:
        if text.startswith(tag, start):
            return start + len(tag), close
    return None


def _unopened(text: str) -> tuple[str, str] | None:
    for tag, close in _TAGS:
        before, closing, after = text.partition(close)
        if not closing or tag in before or before.count("`") % 2:
            continue
        at_line_end = not after.strip() or after.lstrip(" \t").startswith("\n")
        at_line_start = not before.strip() or before.rstrip(" \t").endswith("\n")
        if at_line_end or at_line_start:
            return before, after
    return None


@dataclass(slots=True)
class ThoughtSplitter:
    """Separates thoughts from text while a reply streams. A possible beginning of a tag is held back."""

    _state: Literal["begins", "thinks", "speaks"] = "begins"
    _held: str = ""
    _close: str = ""
    _thoughts: int = 0

    def feed(self, text: str) -> list[Delta]:
        """The pieces that are decided after `text`."""
        if self._state == "speaks":
            return [Delta(text)]
        self._held += text
        found: list[Delta] = []
        before = -1
        while self._held and len(self._held) != before:
            before = len(self._held)
            found += self._thinking() if self._state == "thinks" else self._beginning()
        return found

    def end(self) -> list[Delta]:
        """The piece that was held back, at the end of the reply."""
        held, self._held = self._held, ""
        if not held:
            return []
        return [Delta(held, "reasoning" if self._state == "thinks" else "text")]

    def _beginning(self) -> list[Delta]:
        stripped = self._held.lstrip()
        if self._thoughts < _MAX_THOUGHTS and (found := _opened(self._held)) is not None:
            begin, self._close = found
            self._state, self._held = "thinks", self._held[begin:]
            self._thoughts += 1
            return []
        is_short = len(stripped) < _LONGEST and len(self._held) < _MAX_BLANK_CHARS
        if is_short and any(tag.startswith(stripped) for tag, _ in _TAGS):
            return []
        self._state = "speaks"
        held, self._held = self._held, ""
        return [Delta(held)]

    def _thinking(self) -> list[Delta]:
        thought, closing, after = self._held.partition(self._close)
        if closing:
            self._state, self._held = "begins", after
            return [Delta(thought, "reasoning")] if thought else []
        kept = next((n for n in range(len(self._close) - 1, 0, -1) if thought.endswith(self._close[:n])), 0)
        self._held = thought[len(thought) - kept :] if kept else ""
        shown = thought[: len(thought) - kept]
        return [Delta(shown, "reasoning")] if shown else []
