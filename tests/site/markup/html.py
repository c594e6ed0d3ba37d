"""What a reader of HTML finds in it."""

import re
from html import unescape
from html.parser import HTMLParser


def words_of(html: str) -> str:
    """The text of `html` that a reader sees."""
    return unescape(re.sub(r"<[^>]*>", "", html))


class Tags(HTMLParser):
    """The elements of a piece of HTML, each with its attributes and the text that begins in it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None], str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs), ""))

    def handle_data(self, data: str) -> None:
        if self.found:
            tag, attributes, text = self.found[-1]
            self.found[-1] = tag, attributes, text or data.strip()
