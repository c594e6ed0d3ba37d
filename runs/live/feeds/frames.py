"""The frames of a socket: what is sent, and the little that is understood."""

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

from django.utils import translation
from django.utils.translation import gettext

from runs.languages import ENGLISH
from runs.reply_frames import ReplyFrame
from runs.writer_status import STANDSTILL

MAX_FRAME_STEPS = 100
MAX_FRAME_BYTES = 256 * 1024
"""A frame of several steps is not larger; one step alone may be."""

MAX_CLIENT_CHARS = 64
"""An acknowledgement has about 20. What is longer is not parsed."""

MAX_SEQUENCE = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Frame:
    """An encoded frame of steps, the same object for all viewers it goes to."""

    text: str
    size: int
    """Bytes on the wire."""
    first: int
    last: int
    """The sequences of its first and last step."""
    ends: tuple[str, ...] = ()
    """What its steps end of what was shown of replies in the making; see `StepEntry.ends`."""


@dataclass(frozen=True, slots=True)
class StepEntry:
    """One step, encoded."""

    sequence: int
    text: str
    """`[sequence, html]` as JSON."""
    size: int
    ends: tuple[str, ...] = ()
    """The cards its step ends, or `epoch-turn` if that step decides the turn and ends all cards of it."""


def entry(sequence: int, value: Any, *, ends: tuple[str, ...] = ()) -> StepEntry:
    """One step as it stands in a frame. `value` is its HTML or its JSON object."""
    text = json.dumps([sequence, value], ensure_ascii=False, separators=(",", ":"))
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        # Half of a surrogate pair, out of a JSON field. Escaped, it is plain ASCII.
        text = json.dumps([sequence, value], separators=(",", ":"))
        size = len(text)
    return StepEntry(sequence, text, size, ends)


def steps_frame(entries: list[StepEntry]) -> Frame:
    """A frame of consecutive steps, at least one."""
    text = f'{{"steps":[{",".join(entry.text for entry in entries)}]}}'
    size = sum(entry.size for entry in entries) + 12
    ends = tuple(name for entry in entries for name in entry.ends)
    return Frame(text, size, entries[0].sequence, entries[-1].sequence, ends)


def one_frame_of(entries: Iterable[StepEntry], max_bytes: int = MAX_FRAME_BYTES) -> list[StepEntry]:
    """The first entries that fit into one frame: at most 100 and 256 KiB, but at least one if there is one."""
    fitting: list[StepEntry] = []
    size = 12
    for each in entries:
        size += each.size + 1
        if fitting and (size > max_bytes or len(fitting) == MAX_FRAME_STEPS):
            break
        fitting.append(each)
    return fitting


def state_frame(state: Any, at: int) -> str:
    """The run's state after its step `at`."""
    return json.dumps({"state": state, "at": at}, separators=(",", ":"))


def ping_frame(head: int | None = None, *, language: str = ENGLISH) -> str:
    """A sign of life. `head` is the last recorded step, for a viewer that is behind it. `held` is why nothing can be
    recorded, in `language`, while that is so: what the page shows is then not all there is."""
    ping: dict[str, int | str] = {"ping": int(time.time())}
    if head is not None:
        ping["head"] = head
    if outage := STANDSTILL.now():
        with translation.override(language):
            ping["held"] = gettext(outage.short)
    return json.dumps(ping)


def reply_frame(frame: ReplyFrame) -> str:
    """A frame of replies in the making."""
    return json.dumps(frame.as_json(), ensure_ascii=False, separators=(",", ":"))


class BadFrame(Exception):
    """A frame that is neither an acknowledgement nor a wish for a resync."""


def read_client_frame(text: str | None) -> tuple[Literal["ack", "resync", "ping"], int]:
    """What the browser said, and its number: a sequence, and 0 with a ping. Raises `BadFrame`."""
    if text is None or len(text) > MAX_CLIENT_CHARS:
        raise BadFrame
    try:
        said = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise BadFrame from error
    match said:
        case {"ack": int(sequence)} if len(said) == 1 and _is_sequence(sequence):
            return "ack", sequence
        case {"resync": int(sequence)} if len(said) == 1 and _is_sequence(sequence):
            return "resync", sequence
        case {"ping": int(0)} if len(said) == 1 and said["ping"] is not False:
            return "ping", 0
        case _:
            raise BadFrame


def _is_sequence(number: int) -> bool:
    return not isinstance(number, bool) and 0 <= number <= MAX_SEQUENCE


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON.")
