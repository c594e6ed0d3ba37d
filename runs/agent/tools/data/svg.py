"""Elements of an SVG image, with all texts escaped."""

import html
from collections.abc import Iterable
from typing import Final

_NEVER_IN_XML: Final = dict.fromkeys(
    [*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF, *range(0xD800, 0xE000)], "\ufffd"
)
_WIDE: Final = range(0x1100, 0x10FFFF)
"""From here on characters are about as wide as high."""


def element(name: str, content: str | Iterable[str] = "", /, **attributes: str | float) -> str:
    """The element. `content` is markup; `_` in the name of an attribute is a hyphen, but at its end nothing."""
    written = "".join(f' {key.rstrip("_").replace("_", "-")}="{_value(each)}"' for key, each in attributes.items())
    inner = content if isinstance(content, str) else "".join(content)
    return f"<{name}{written}>{inner}</{name}>" if inner else f"<{name}{written}/>"


def text_of(text: str) -> str:
    """The text as markup, without characters that XML does not have."""
    return html.escape(text.translate(_NEVER_IN_XML))


def shortened(text: str, width: float, size: float = 12) -> str:
    """As much of the text as fits into `width` at a font of `size`, with an ellipsis if it is cut."""
    line = " ".join(text.split())
    if _width(line, size) <= width:
        return line
    while line and _width(line, size) > width - size:
        line = line[:-1]
    return f"{line}…"


def _width(text: str, size: float) -> float:
    return sum(size if ord(each) in _WIDE else size * 0.58 for each in text)


def _value(value: str | float) -> str:
    return text_of(value) if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")
