"""What a model reads of a tool's output: a text of limited length, in which nothing is hidden.

Terminal escapes are left out. Invisible characters, with which a page or a file could say something to the model that
no person sees, are named as pages name them: `⟨U+202E⟩`. The record keeps the output as it was.
"""

import json
import re
from typing import Any, Final

MODEL_SEES_BYTES: Final = 32 * 1024
"""Limit of one tool result in a request to a model, in UTF-8, without the line that says so."""

MOST_TOLD: Final = 200
"""The line about a cut has fewer characters."""

_encode = json.JSONEncoder(ensure_ascii=False).encode
"""`json.dumps` with options creates an encoder for each value, which costs more than a short value itself."""

# Control sequences, links and titles (OSC), and other strings for terminals. Bounds keep the time linear: without an
# end, only the beginning of such a string is left out.
_TERMINAL = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]{0,64}[ -/]{0,8}[@-~]"
    r"|\x1b\][^\x07\x1b\x9c]{0,4096}(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[PX^_][^\x1b]{0,4096}\x1b\\"
    r"|\x1b[ -/]{0,4}[0-~]"
)
_LINE_ENDS = re.compile(r"\r\n?")
_FLAG = "\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f"
"""A flag such as that of Scotland, the one use of tags."""
_SELECTORS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_UNSEEN: Final = (
    # Controls, surrogates, zero-width characters, bidirectional controls, annotations, and tags, which models read.
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u200b\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e00ff{marks}]"
    # A variation selector belongs to the character before it; further ones carry hidden text.
    f"|(?<=[{_SELECTORS}])[{_SELECTORS}]"
)
_HIDDEN = re.compile(f"({_FLAG})|" + _UNSEEN.replace("{marks}", "\u061c\u200e\u200f"))
# Right-to-left prose has direction marks between its words and numbers, which reorder nothing.
_HIDDEN_IN_RIGHT_TO_LEFT = re.compile(f"({_FLAG})|" + _UNSEEN.replace("{marks}", ""))
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")


def output_text(output: Any) -> str:
    """A tool's output as a model reads it: a string, or any other value as JSON; `readable`, and cut at
    `MODEL_SEES_BYTES` with a line that says so."""
    return cut_text(output if isinstance(output, str) else _encode(output))


def cut_text(text: str) -> str:
    """The text as a model reads it: `readable`, and cut at `MODEL_SEES_BYTES` with a line that says so."""
    # A byte is at most a character: what is behind this many is not seen. One more tells that there is more.
    shown = readable(text[: MODEL_SEES_BYTES + 1])
    if len(text) <= MODEL_SEES_BYTES and (len(shown) <= MODEL_SEES_BYTES // 4 or _size(shown) <= MODEL_SEES_BYTES):
        return shown
    kept = shown.encode(errors="replace")[:MODEL_SEES_BYTES].decode(errors="ignore")
    told = f"the first {_size(kept):,} of {_size(text):,} bytes are shown"
    return f"{kept}\n[cut: {told}. People find the rest with the run; a call for less may show what is needed.]"


def is_cut(text: str) -> bool:
    """True for a result of `cut_text` that has not all of the text, also for one of an earlier version."""
    return len(text) > MODEL_SEES_BYTES // 4 and text.endswith("]") and "\n[cut: " in text[-MOST_TOLD:]


def readable(text: str) -> str:
    """The text without terminal escapes, with invisible characters named, and with `\\n` for each end of a line."""
    if "\x1b" in text or "\x9b" in text:
        text = _TERMINAL.sub("", text)
    if "\r" in text:
        text = _LINE_ENDS.sub("\n", text)
    hidden = _HIDDEN_IN_RIGHT_TO_LEFT if not text.isascii() and _RIGHT_TO_LEFT.search(text) else _HIDDEN
    return hidden.sub(_named, text)


def _named(match: re.Match[str]) -> str:
    if match[1]:
        return match[1]
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else f"⟨U+{code:04X}⟩"


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode(errors="replace"))


def without_markup(text: str) -> str:
    """The text for services that read markup of many kinds, such as messengers: nothing in it is a tag, a link with
    words of its own, or a mention that rings for everybody. Angle brackets are replaced, other signs parted by U+2060.
    """
    text = text.replace("<", "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}")
    text = text.replace(">", "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}")
    for sign, after in (("@", ""), ("]", "("), ("]", "["), ("]", ":")):
        text = text.replace(sign + after, f"{sign}\N{WORD JOINER}{after}")
    return text
