"""Syntax highlighting of code.

Lexers are regular expressions that were not written for hostile texts: of the 600 in Pygments, some never
end on a few characters, and many take quadratic time. Those here were tried on thousands of
repetitions (`tests/time_limits/`): none of their expressions alone takes long, so that it is enough to check the time
between two tokens. Other languages are shown without colours.
"""

import functools
import io
import time
from collections.abc import Iterator
from typing import Any

MAX_CHARS = 20 * 1024
"""Longer code is shown without colours."""
MAX_CPU_S = 0.25
"""CPU time for all code in a part of a text. Later code is shown without colours."""

LEXERS = {
    "bash": "bash sh shell zsh",
    "diff": "diff patch udiff",
    "go": "go golang",
    "json": "json jsonc json5",
    "python": "python py python3 py3",
    "sql": "sql",
    "toml": "toml",
    "yaml": "yaml yml",
}
"""The names of lexers, and the names that models use for their languages."""
_NAMES = {name: lexer for lexer, names in LEXERS.items() for name in names.split()}

_spent_s = 0.0


class _TooLong(Exception):
    """Highlighting exceeds its time limit."""


def begin() -> None:
    """Start a new text, with all of `MAX_CPU_S`."""
    global _spent_s  # noqa: PLW0603  a renderer does one text at a time
    _spent_s = 0.0


def highlight(code: str, language: str, _attributes: str = "") -> str:
    """The code as HTML with a `span` for each coloured word; empty to show it without colours."""
    global _spent_s  # noqa: PLW0603
    lexer = _lexer(_NAMES.get(language.lower(), ""))
    if lexer is None or len(code) > MAX_CHARS or _spent_s >= MAX_CPU_S:
        return ""
    began = time.thread_time()
    html = io.StringIO()
    try:
        _formatter().format(_in_time(lexer.get_tokens(code), began + MAX_CPU_S - _spent_s), html)
    except _TooLong:
        return ""
    finally:
        _spent_s += time.thread_time() - began
    return html.getvalue()


def _in_time(tokens: Iterator[Any], until: float) -> Iterator[Any]:
    for token in tokens:
        yield token
        if time.thread_time() > until:
            raise _TooLong


@functools.cache
def _lexer(name: str) -> Any:
    from pygments.lexers import get_lexer_by_name

    return get_lexer_by_name(name) if name in LEXERS else None


@functools.cache
def _formatter() -> Any:
    from pygments.formatters.html import HtmlFormatter

    return HtmlFormatter(nowrap=True, classprefix="tok-")
