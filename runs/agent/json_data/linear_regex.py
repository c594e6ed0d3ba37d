"""Regular expressions from outside, matched by RE2 in time linear in the text.

Python's engine backtracks, which can take exponential time (`^(a+)+$`), and holds the GIL meanwhile. RE2 does neither,
and refuses what needs backtracking: lookahead, lookbehind and backreferences.
"""

import re
from functools import lru_cache

import re2

MAX_PATTERN_CHARS = 2_000
MAX_PROGRAM = 10_000
"""Instructions of the compiled pattern: `^.{1,1000}$` has 9,000."""
MAX_WORK = 30_000_000
"""Instructions times characters of one search: about two seconds, with the GIL released."""
_MAX_MEMORY = 4 * 1024 * 1024

# `\uXXXX` of JSON Schema (ECMA-262) and `\Z` of Python are `\x{XXXX}` and `\z` in RE2.
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)


class TooMuchText(ValueError):
    """The text is too long for a pattern of this size."""


class LinearPattern:
    """A compiled pattern."""

    def __init__(self, pattern: str) -> None:
        """Raises `ValueError` with the fault of the pattern."""
        if len(pattern) > MAX_PATTERN_CHARS:
            raise ValueError(f"A pattern has at most {MAX_PATTERN_CHARS:,} characters, not {len(pattern):,}.")
        options = re2.Options()
        options.log_errors, options.never_capture, options.max_mem = False, True, _MAX_MEMORY
        try:
            self._compiled = re2.compile(_ESCAPE.sub(_as_re2_writes, pattern), options)
        except (re2.error, UnicodeEncodeError) as error:
            raise ValueError(_why(pattern, error)) from error
        self._program = self._compiled.programsize
        if self._program > MAX_PROGRAM:
            raise ValueError(f"The pattern {pattern!r} is too large: its repetitions multiply.")

    def is_in(self, text: str) -> bool:
        """True if the pattern matches anywhere in the text. Raises `TooMuchText`."""
        if len(text) * self._program > MAX_WORK:
            raise TooMuchText(f"a text of {len(text):,} characters is too long for its pattern")
        # RE2 refuses lone surrogates.
        return self._compiled.search(text.encode(errors="replace").decode()) is not None


@lru_cache(512)
def linear_pattern(pattern: str) -> LinearPattern:
    """The compiled pattern, cached. Raises `ValueError` with the fault of the pattern."""
    return LinearPattern(pattern)


def _as_re2_writes(escape: re.Match[str]) -> str:
    if escape[1]:
        return rf"\x{{{escape[1]}}}"
    return r"\z" if escape[2] == "Z" else escape[0]


def _why(pattern: str, error: Exception) -> str:
    shown = pattern if len(pattern) <= 80 else f"{pattern[:80]}…"
    words = error.args[0] if error.args else error
    told = words.decode(errors="replace") if isinstance(words, bytes) else str(words)
    if "perl operator" in told or "escape sequence: \\1" in told:
        return (
            f"The pattern {shown!r} cannot be used ({told}): patterns here run in linear time, without lookahead "
            "or lookbehind (?=…), (?!…), (?<=…) and without backreferences (\\1)."
        )
    return f"The pattern {shown!r} cannot be used: {told}."
