"""Which models people are offered: those that can be used here, that take tools, and that are not about to end."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final

from runs.agent.providers import discovery
from runs.agent.providers.catalog import Source, sources
from runs.agent.providers.endpoints import Endpoint
from runs.agent.providers.names import name_fault
from runs.agent.providers.retirements import is_near

MOST_OF_A_COMPANY: Final = 6
MOST_OF_A_SERVER: Final = 100
"""Besides those it was described with. Any other can be typed."""

_FAMILIES: Final[Mapping[str, re.Pattern[str]]] = {
    "openai": re.compile(r"gpt-(\d+)(?:\.(\d+))?(-[a-z]+)?"),
    "anthropic": re.compile(r"claude-(?=[a-z]+-(\d+)(?:-(\d+))?$)([a-z]+)-.*"),
    "google": re.compile(r"gemini-(\d+)(?:\.(\d+))?(-pro|-flash|-flash-lite|-argon|-ultra)"),
}
"""Which of a company's names have a version (two groups) and a family."""
_NOT_FOR_AGENTS: Final[Mapping[str, frozenset[str]]] = {
    "openai": frozenset({"audio", "chat", "codex", "image", "pro", "realtime", "turbo"}),
    "anthropic": frozenset(),
    "google": frozenset(),
}
"""Families for other purposes, other interfaces or far more money."""
_LIMITED: Final = frozenset({"cyber", "mythos", "rosalind"})
"""Families that only accounts with a permission of their own may use: offered where the account's list has them."""


def available_models(
    *, endpoints: Sequence[Endpoint] | None = None, environ: Mapping[str, str] | None = None
) -> list[str]:
    """The names of models to choose from: the offline planner, own servers' models, and some of each company.

    Own servers and companies are left out while their key is missing, and so are models that are known to take no
    tools, or to end within `SOON_DAYS`. Servers and companies have more models than are listed.
    """
    usable = sources(endpoints=endpoints, environ=environ)
    return ["offline", *(each.full_name(model) for each in usable for model in _offered(each))]


def prepare(*, environ: Mapping[str, str] | None = None) -> None:
    """Load what the first reply of a model that can be used here would have to load: seconds, and 120 MB.

    Nothing for the offline planner alone, and nothing of a format no key or server is there for.
    """
    for source in sources(environ=environ):
        source.format.prepare()


def _offered(source: Source) -> Sequence[str]:
    listed = [each.name for each in source.models.models.values() if each.is_for_agents]
    if source.endpoint is None:
        company = source.server.name
        names = [name for name in listed or _priced(company) if _is_offered(source, name)]
        return newest(company, names, is_whole=bool(listed)) or names[:MOST_OF_A_COMPANY]
    configured = source.endpoint.models
    known = {*configured, *(found.name for name in configured if (found := source.models.find(name)))}
    further = [name for name in listed if name not in known and _is_offered(source, name)]
    return [*(name for name in configured if _is_offered(source, name)), *further[:MOST_OF_A_SERVER]]


def _is_offered(source: Source, model: str) -> bool:
    # The local model answers without tools; whoever has started it looks for it.
    full_name = source.full_name(model)
    is_of_use = source.capabilities_of(model).tools is not False or full_name == discovery.LOCAL_MODEL
    return is_of_use and not is_near(source.retires_on(model)) and name_fault(full_name) is None


def newest(company: str, names: Iterable[str], *, is_whole: bool = False) -> tuple[str, ...]:
    """The newest of a company's models, one of each family; none for names its models do not have.

    `is_whole` says that they are all the account may use, those with a permission of their own included.
    """
    found: dict[str, tuple[tuple[int, int], str]] = {}
    for name in names:
        match = _FAMILIES[company].fullmatch(name)
        family = (match[3] or "").strip("-") if match else ""
        if not match or family in _NOT_FOR_AGENTS[company] or (family in _LIMITED and not is_whole):
            continue
        version = (int(match[1]), int(match[2] or 0))
        found[family] = max(found.get(family, (version, name)), (version, name))
    return tuple(name for _, name in sorted(found.values(), reverse=True))[:MOST_OF_A_COMPANY]


@lru_cache(maxsize=8)
def _priced(company: str) -> tuple[str, ...]:
    """The company's models in the price lists, those that are not deprecated there."""
    from genai_prices.data_snapshot import get_snapshot  # 0.3 s: only where a key of the company is set

    models = next(each.models for each in get_snapshot().providers if each.id == company)
    return tuple(model.id for model in models if not model.deprecated)
