"""Redaction of streamed texts: the possible beginning of a secret is held back until it is decided."""

import re
import string

from runs.agent.redaction.redactor import Redactor
from runs.agent.redaction.secret_patterns import HIDDEN, MARKS, PEM_BEGIN, PEM_END

LONGEST_HELD = 4096
"""Limit of the characters held back. A longer token is hidden to its end."""
_ALL_MARKS = (*MARKS, PEM_BEGIN.lower())
_MARK = re.compile("|".join(map(re.escape, _ALL_MARKS)))
_BEGINNINGS = frozenset(mark[:length] for mark in _ALL_MARKS for length in range(1, len(mark)))
_LONGEST_BEGINNING = max(map(len, _BEGINNINGS))
_WHOLE_LINE = ("cookie:", PEM_BEGIN.lower())
_SPACES = {"authorization": 2, "api-key": 1, "x-auth-token": 1, "bearer ": 1, "basic ": 1}
"""Number of spaces in a match that begins with the mark; 0 for other marks."""
_WEB_TOKEN = "eyj"  # noqa: S105 - what one begins with
_IN_TOKEN = string.ascii_letters + string.digits + "_.~+/=:@%*-"


class PieceRedactor:
    """Redacts several streamed texts, each identified by a name."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._held: dict[str, str] = {}
        self._hiding: dict[str, str] = {}
        """The kind of secret that is being hidden until its end, by name: a `token`, or a `key` of several lines."""

    def next(self, name: str, piece: str) -> str:
        """Add a piece of the named text. Returns the text that can be shown now; may be empty."""
        text = self._still_hidden(name, self._held.pop(name, "") + piece)
        if not text:
            return ""
        if _ends_in_private_key(text):
            self._hiding[name] = "key"
            return self._redactor.text(text)
        # min(): the lower-case form of a text can be longer than the text.
        encoded = self._redactor.encoded
        tail = text[-LONGEST_HELD:]
        begun = min(len(text), max(self._redactor.begun_at_end(text), _open_at_end(text), encoded.begun_at_end(tail)))
        if begun <= LONGEST_HELD:
            cut = self._redactor.before_known(text, len(text) - begun)
            if len(text) - cut > LONGEST_HELD:
                # Overlapping known secrets without an end so far.
                end = self._redactor.end_of_last(text)
                self._held[name] = text[end:]
                return f"{self._redactor.text(text[:cut])}{HIDDEN}"
            if 0 < cut < len(text):
                cut = min([cut, *(begin for begin, end in encoded.spans(text) if begin < cut < end)])
            if cut < len(text):
                # The cut before a possible known secret must not split a match of a pattern.
                begin = cut - _open_at_end(text[:cut])
                cut = begin if len(text) - begin <= LONGEST_HELD else cut
                self._held[name] = text[cut:]
            return self._redactor.text(text[:cut])
        shown = self._redactor.text(text)
        if text[-begun:].lower().startswith(_WEB_TOKEN):
            # The first of its three parts alone exceeds the limit.
            shown = f"{self._redactor.text(text[:-begun])}{HIDDEN}"
        if shown.endswith(HIDDEN):
            self._hiding[name] = "token"
        return shown

    def _still_hidden(self, name: str, text: str) -> str:
        """The text after the end of the secret that is being hidden."""
        match self._hiding.get(name):
            case "token":
                text = text.lstrip(_IN_TOKEN)
            case "key":
                end = text.find(PEM_END)
                close = text.find("-----", end + len(PEM_END)) if end >= 0 else -1
                if close < 0:
                    self._held[name] = text[end:] if end >= 0 else text[-len(PEM_END) :]
                    return ""
                del self._hiding[name]
                return text[close + len("-----") :]
            case _:
                return text
        if text:
            del self._hiding[name]
        return text


def _ends_in_private_key(text: str) -> bool:
    begin = text.rfind(PEM_BEGIN)
    return begin >= 0 and "PRIVATE KEY-----" in text[begin : begin + 60] and text.find(PEM_END, begin) < 0


def _open_at_end(text: str) -> int:
    """Number of characters at the end that may begin a match of a pattern."""
    line = text[text.rfind("\n") + 1 :].lower()
    spaces = _last_spaces(line)
    for mark in _MARK.finditer(line):
        if mark[0] in _WHOLE_LINE or mark.start() > spaces[_SPACES.get(mark[0], 0)]:
            return len(line) - mark.start()
    for length in range(min(_LONGEST_BEGINNING, len(line)), 0, -1):
        beginning = line[-length:]
        is_in_word = beginning[0].isalnum() and line[-length - 1 : -length].isalnum()
        if beginning in _BEGINNINGS and not is_in_word:
            return length
    return 0


def _last_spaces(line: str) -> list[int]:
    """The positions of the last spaces, from the end, -1 for none; one more than a match can contain."""
    at, found = len(line), []
    for _ in range(max(_SPACES.values()) + 1):
        at = max(line.rfind(space, 0, at) for space in " \t") if at > 0 else -1
        at = len(line[: at + 1].rstrip()) if at >= 0 else -1
        found.append(at)
    return found
