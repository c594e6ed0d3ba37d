"""The settings of the web search: which services there are, and in which order they are asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

SEARCH: Final = "AGENTSITE_SEARCH"
SEARXNG_URL: Final = "AGENTSITE_SEARXNG_URL"
BRAVE_KEY, TAVILY_KEY = "BRAVE_API_KEY", "TAVILY_API_KEY"
VARIABLES: Final = (SEARCH, SEARXNG_URL, BRAVE_KEY, TAVILY_KEY)
SERVICES: Final = ("searxng", "brave", "tavily", "ddgs")
_NEEDED: Final = {"searxng": SEARXNG_URL, "brave": BRAVE_KEY, "tavily": TAVILY_KEY}


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """What the environment says about the web search."""

    order: tuple[str, ...]
    """The services in the order in which they are asked; empty if the search is switched off."""
    searxng_url: str = ""
    brave_key: str = ""
    tavily_key: str = ""

    @classmethod
    def parsed(cls, environ: Mapping[str, str]) -> "SearchSettings":
        """From the variables of this module. Raises `ValueError` with the variable and what it accepts."""
        asked = environ.get(SEARCH, "").strip().lower()
        values = {name: environ.get(variable, "").strip() for name, variable in _NEEDED.items()}
        if values["searxng"] and not _is_address(values["searxng"]):
            raise ValueError(f"{SEARXNG_URL}: expected the address of a SearXNG, such as http://searxng.internal:8080.")
        if asked == "off":
            order: list[str] = []
        elif asked:
            order = list(dict.fromkeys(each.strip() for each in asked.split(",") if each.strip()))
            for name in order:
                if name not in SERVICES:
                    raise ValueError(f"{SEARCH}={asked}: expected off, or some of {', '.join(SERVICES)}.")
                if name in values and not values[name]:
                    raise ValueError(f"{SEARCH}={asked}: {name} needs {_NEEDED[name]}.")
        else:
            order = [name for name in SERVICES if values.get(name, "always")]
        return cls(tuple(order), values["searxng"], values["brave"], values["tavily"])


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and not parts.query
    except ValueError:
        return False
