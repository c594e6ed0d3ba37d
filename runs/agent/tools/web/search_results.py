"""Search results in one shape, from the answers of each service."""

from collections.abc import Iterable
from dataclasses import dataclass
from html import unescape
from typing import Any, Final

from runs.agent.tools.web.plain_text import one_line

TITLE_CHARACTERS: Final = 200
EXCERPT_CHARACTERS: Final = 700
ADDRESS_CHARACTERS: Final = 1000


class BadAnswer(Exception):
    """The service sent something else than results."""


@dataclass(frozen=True, slots=True)
class SearchHit:
    """One result."""

    title: str
    address: str
    excerpt: str
    date: str = ""
    """As the service gives it; empty if it gives none."""

    def as_json(self) -> dict[str, str]:
        """The result as the tool returns it."""
        told = {"title": self.title, "address": self.address, "excerpt": self.excerpt}
        return told | ({"date": self.date} if self.date else {})


def from_searxng(answer: Any) -> list[SearchHit]:
    """The results of SearXNG's `/search?format=json`. Raises `BadAnswer` also if none of its engines answered."""
    found = _results(_entries(answer, "results"), "url", "title", "content", "publishedDate")
    if not found and answer.get("unresponsive_engines"):
        raise BadAnswer("none of its engines answered")
    return found


def from_brave(answer: Any) -> list[SearchHit]:
    """The results of Brave's `/res/v1/web/search`. Without any there is no `web` in its answer."""
    if isinstance(answer, dict) and answer.get("type") == "search" and "web" not in answer:
        return []
    pages = answer.get("web") if isinstance(answer, dict) else None
    return _results(_entries(pages, "results"), "url", "title", "description", "page_age")


def from_tavily(answer: Any) -> list[SearchHit]:
    """The results of Tavily's `/search`."""
    return _results(_entries(answer, "results"), "url", "title", "content", "published_date")


def from_ddgs(answer: Any) -> list[SearchHit]:
    """The results of the library ddgs."""
    return _results(_entries({"results": answer}, "results"), "href", "title", "body", "date")


def _entries(answer: Any, name: str) -> list[Any]:
    entries = answer.get(name) if isinstance(answer, dict) else None
    if not isinstance(entries, list):
        raise BadAnswer("its answer has no results")
    return entries


def _results(entries: Iterable[Any], address: str, title: str, excerpt: str, date: str) -> list[SearchHit]:
    found: dict[str, SearchHit] = {}
    for entry in entries:
        if not isinstance(entry, dict):
            continue
        where = entry.get(address)
        if not isinstance(where, str) or not where.startswith(("http://", "https://")):
            continue
        if len(where) > ADDRESS_CHARACTERS or where in found:
            continue
        found[where] = SearchHit(
            _text(entry.get(title), TITLE_CHARACTERS) or where,
            where,
            _text(entry.get(excerpt), EXCERPT_CHARACTERS),
            _text(entry.get(date), 40),
        )
    return list(found.values())


def _text(value: Any, most: int) -> str:
    return one_line(unescape(value[: 4 * most]), most) if isinstance(value, str) else ""
