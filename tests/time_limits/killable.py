"""Times of calls in a process that is killed at a limit, so that an endless call is measured too."""

import importlib
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple


class Slow(NamedTuple):
    """A call that took longer than allowed."""

    target: str
    text: str
    """The repeated text."""
    chars: int
    cpu_s: float
    """CPU seconds; infinite if the process was killed."""


RUN = "\x00run of\x00"
"""Separator in a piece: before it a beginning, after it the repeated character, then an end."""


def long_text(piece: str, chars: int) -> str:
    """The piece repeated to `chars` characters; with `RUN` in it, one long run between a beginning and an end."""
    beginning, marked, rest = piece.partition(RUN)
    if marked:
        return beginning + rest[0] * chars + rest[1:]
    return (piece * (chars // len(piece) + 1))[:chars]


def found(path: str) -> Callable[[str], Any]:
    """The function at `package.module:name`."""
    module, _, name = path.partition(":")
    function: Callable[[str], Any] = getattr(importlib.import_module(module), name)
    return function


def slow_calls(target: str, texts: Sequence[tuple[str, int]], *, limit_s: float) -> list[Slow]:
    """Call the function at `target` with each text, repeated to its size. Returns the calls beyond the limit."""
    function, slow, first = found(target), [], 0
    while first < len(texts):
        last, spent = _in_child(function, texts, first, limit_s)
        slow += [Slow(target, *texts[place], spent_s) for place, spent_s in spent.items() if spent_s > limit_s]
        if last + 1 < len(texts):  # killed before the end
            slow.append(Slow(target, *texts[last + 1], float("inf")))
            last += 1
        first = last + 1
    return slow


def _in_child(
    function: Callable[[str], Any], texts: Sequence[tuple[str, int]], first: int, limit_s: float
) -> tuple[int, dict[int, float]]:
    """The index of the last text that one process finished, and the CPU time of each."""
    reading, writing = os.pipe()
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(reading)
            _measure(function, texts, first, limit_s, writing)
        finally:
            os._exit(3)
    os.close(writing)
    with os.fdopen(reading) as lines:
        spent = {int(place): float(cpu_s) for place, cpu_s in (line.split() for line in lines)}
    _, status = os.waitpid(pid, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) == 3:
        raise AssertionError(f"{function} raised at {texts[max(spent, default=first - 1) + 1]}")
    return max(spent, default=first - 1), spent


def _measure(
    function: Callable[[str], Any], texts: Sequence[tuple[str, int]], first: int, limit_s: float, writing: int
) -> None:
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    for place in range(first, len(texts)):
        piece, chars = texts[place]
        text = long_text(piece, chars)
        signal.setitimer(signal.ITIMER_PROF, limit_s * 2)
        began = time.process_time()
        function(text)
        spent_s = time.process_time() - began
        signal.setitimer(signal.ITIMER_PROF, 0)
        os.write(writing, f"{place} {spent_s}\n".encode())
    os._exit(0)
