"""The models offered for choice: usable here, with tool support, and not about to be retired."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final

from runs.agent.providers.model_catalog import announced_model_server as discovery
from runs.agent.providers.model_catalog.catalog import Source, sources
from runs.agent.providers.model_catalog.endpoints import Endpoint
from runs.agent.providers.model_catalog.model_names import name_fault
from runs.agent.providers.model_catalog.retirements import is_near
from runs.agent.providers.remote_model import load_format

MOST_OF_A_COMPANY: Final = 6
MOST_OF_A_SERVER: Final = 100
"""In addition to the configured models. Any other name can be typed."""

_FAMILIES: Final[Mapping[str, re.Pattern[str]]] = {
    "openai": re.compile(r"gpt-(\d+)(?:\.(\d+))?(-[a-z]+)?"),
    "anthropic": re.compile(r"claude-(?=[a-z]+-(\d+)(?:-(\d+))?$)([a-z]+)-.*"),
    "google": re.compile(r"gemini-(\d+)(?:\.(\d+))?(-pro|-flash|-flash-lite|-argon|-ultra)"),
}
"""Patterns of names with a version (two groups) and a family."""
_NOT_FOR_AGENTS: Final[Mapping[str, frozenset[str]]] = {
    "openai": frozenset({"audio", "chat", "codex", "image", "pro", "realtime", "turbo"}),
    "anthropic": frozenset(),
    "google": frozenset(),
}
"""Families for other purposes, for other APIs, or with much higher prices."""
_LIMITED: Final = frozenset({"cyber", "mythos", "rosalind"})
"""Families for accounts with a special permission: offered only if the account's list has them."""


def available_models(
    *, endpoints: Sequence[Endpoint] | None = None, environ: Mapping[str, str] | None = None
) -> list[str]:
    """The names of models to choose from: the offline planner, models of AGENTSITE_ENDPOINTS, and some of each company.

    Sources without their key are left out, and so are models without tool support or with a retirement within
    `SOON_DAYS`. Sources may have more models than are listed.
    """
    usable = sources(endpoints=endpoints, environ=environ)
    return ["offline", *(each.full_name(model) for each in usable for model in _offered(each))]


def prepare(*, environ: Mapping[str, str] | None = None) -> None:
    """Import the SDKs that the usable models need, which takes seconds and 120 MB, before the first request.

    Imports nothing for the offline planner, and nothing for a format without a key or server.
    """
    for source in sources(environ=environ):
        load_format(source.wire_format)


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
    # The local model has no tool support; a person who has started it expects it in the list.
    full_name = source.full_name(model)
    is_of_use = source.capabilities_of(model).tools is not False or full_name == discovery.LOCAL_MODEL
    return is_of_use and not is_near(source.retires_on(model)) and name_fault(full_name) is None


def newest(company: str, names: Iterable[str], *, is_whole: bool = False) -> tuple[str, ...]:
    """The newest model of each family; names that do not fit the company's pattern are ignored.

    `is_whole`: `names` is the account's own list, so families with a special permission are included.
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
    """The company's models in the price lists, without deprecated ones."""
    from genai_prices.data_snapshot import get_snapshot  # 0.3 s: only where a key of the company is set

    models = next(each.models for each in get_snapshot().providers if each.id == company)
    return tuple(model.id for model in models if not model.deprecated)
