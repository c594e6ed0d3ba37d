"""The models page: providers with their keys, their models, and tests of them."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from runs.agent.providers.model_catalog.announced_model_server import own_endpoints
from runs.agent.providers.model_catalog.catalog import Source, sources
from runs.agent.providers.model_catalog.endpoints import Endpoint
from runs.agent.providers.model_catalog.hosted_providers import HOSTED
from runs.agent.providers.model_catalog.suggestions import available_models
from runs.models.permissions import may_see_models, may_test_models
from runs.web import model_tests
from runs.web.access import PageRequest, only_if
from runs.web.model_rows import BUILT_IN, Key, ModelRow, agents_by_model, provider_name, row_of, rows_of
from runs.web.model_use import ModelUse, last_uses

OPEN_ROWS: Final = 10
"""Models of a provider that are shown; further ones are folded."""
_TITLES: Final = {
    BUILT_IN: gettext_lazy("Built in"),
    "openai": "OpenAI",
    "anthropic": "Anthropic",  # not translated: a name
    "google": "Google",  # not translated: a name
    "": gettext_lazy("Not served here"),
}
MOST_ROWS: Final = 200
"""Models of a provider on the page; further ones are found by the search."""


@dataclass(slots=True)
class ProviderSection:
    """A provider and its models."""

    name: str
    key: Key
    key_variables: str = ""
    address: str = ""
    """Of a server of AGENTSITE_ENDPOINTS, without user name, password and query."""
    listed: int = 0
    """Models in the server's own list."""
    read_at: datetime | None = None
    """When that was read; None before the first time."""
    fault: str = ""
    """Why it could not be read the last time."""
    models: list[tuple[ModelRow, ModelUse]] = field(default_factory=list)
    further: int = 0
    """Models that are not on the page."""
    is_whole: bool = False
    """Nothing is folded: the models are those of a search."""

    @property
    def title(self) -> str:
        """Its name for people."""
        return str(_TITLES.get(self.name) or self.name)

    @property
    def testable(self) -> int:
        """The number of its models on the page that can be tested."""
        return sum(row.can_be_tested for row, _use in self.models)

    @property
    def shown(self) -> list[tuple[ModelRow, ModelUse]]:
        """The models that are not folded."""
        return self.models if self.is_whole else self.models[:OPEN_ROWS]

    @property
    def folded(self) -> list[tuple[ModelRow, ModelUse]]:
        """The others."""
        return [] if self.is_whole else self.models[OPEN_ROWS:]


@require_safe
@only_if(may_see_models)
def show_models(request: PageRequest) -> HttpResponse:
    """Show the providers with their models, those named `?q=`, and the providers whose key is missing."""
    endpoints, q = own_endpoints(), request.GET.get("q", "").strip()[:200]
    used_by = agents_by_model()
    found = [name for name in _names(used_by, endpoints) if q.casefold() in name.casefold()]
    sections = list(_sections(found, used_by, endpoints, last_uses(request.user), is_whole=bool(q)))
    named = {section.name for section in sections}
    is_missing = [each for each in HOSTED.values() if each.name not in named and not each.key(os.environ)]
    context = {
        "sections": [section for section in sections if section.models or not q],
        "companies": is_missing,
        "q": q,
        "testable": sum(section.testable for section in sections),
        "most_tested": model_tests.MOST_OF_A_ROUND,
        "may_test": may_test_models(request.user),
        "round": model_tests.last_round(),
    }
    return render(request, "runs/models.html", context)


@require_POST
@only_if(may_test_models)
def test_model(request: PageRequest) -> HttpResponse:
    """Test a model with one small call. To htmx its result; otherwise a redirect to the page, which shows it."""
    endpoints, name = own_endpoints(), str(request.POST.get("model"))
    used_by = agents_by_model()
    row = row_of(name, endpoints=endpoints) if name in _names(used_by, endpoints) else None
    if row is None or not row.can_be_tested:
        raise Http404(gettext("There is no such model here that can be tested."))
    model_tests.test(name, endpoints)
    if request.htmx:
        return render(request, "runs/partials/model_test.html", {"row": row})
    return _to_page(request)


@require_POST
@only_if(may_test_models)
def test_all_models(request: PageRequest) -> HttpResponse:
    """Test the models in the background, those that agents use first; those of `provider` if one is named. Nothing
    happens while such a round goes on. To htmx the progress; otherwise a redirect to the page, which shows it."""
    endpoints, used_by = own_endpoints(), agents_by_model()
    names, provider = _names(used_by, endpoints), request.POST.get("provider")
    if provider:
        names = [name for name in names if provider_name(name, endpoints) == provider]
    rows = rows_of(sorted(names, key=lambda name: name not in used_by), used_by, endpoints)
    model_tests.start_round([row.name for row in rows if row.can_be_tested], endpoints)
    if request.htmx:
        return _progress(request, seen=0)
    return _to_page(request)


@require_safe
@only_if(may_see_models)
def show_progress(request: PageRequest) -> HttpResponse:
    """How far the test of all models is, with the results after the first `?done=`."""
    text = request.GET.get("done", "0")
    seen = int(text) if text.isascii() and text.isdecimal() and len(text) < 5 else 0
    return _progress(request, seen=seen)


def _progress(request: PageRequest, *, seen: int) -> HttpResponse:
    last, endpoints = model_tests.last_round(), own_endpoints()
    fresh = [row_of(name, endpoints=endpoints) for name in (last.done[seen:] if last else ())]
    context = {"round": last, "fresh": fresh, "is_told": True}
    return render(request, "runs/partials/model_progress.html", context)


def _to_page(request: PageRequest) -> HttpResponse:
    return redirect("runs:models" if may_see_models(request.user) else "runs:dashboard")


def test_by_name(name: str) -> None:
    """Test a model that can be tested, also one that no agent uses yet; pages show the result."""
    endpoints = own_endpoints()
    if row_of(name, endpoints=endpoints).can_be_tested:
        model_tests.test(name, endpoints)


def _names(used_by: Iterable[str], endpoints: Sequence[Endpoint]) -> list[str]:
    """The models that agents use, the offered ones, those of own servers without a key, and those that servers list."""
    own = (f"{each.name}/{model}" for each in endpoints for model in each.models)
    listed = (
        each.full_name(model.name)
        for each in sources(endpoints=endpoints)
        if each.endpoint
        for model in each.models.models.values()
        if model.is_for_agents
    )
    return list(dict.fromkeys([BUILT_IN, *used_by, *available_models(endpoints=endpoints), *own, *listed]))


def _sections(
    names: Sequence[str],
    used_by: dict[str, list[str]],
    endpoints: Sequence[Endpoint],
    uses: dict[tuple[str, str], ModelUse],
    *,
    is_whole: bool,
) -> Iterator[ProviderSection]:
    """The offline planner, own servers, companies, and the names that nobody serves."""
    by_provider: dict[str, list[str]] = {}
    for name in names:
        provider = BUILT_IN if name == BUILT_IN else provider_name(name, endpoints)
        by_provider.setdefault(provider, []).append(name)
    found = {each.server.name: each for each in sources(endpoints=endpoints)}
    by_name = {each.name: each for each in endpoints}
    for provider in dict.fromkeys([BUILT_IN, *by_name, *HOSTED, ""]):
        own = by_provider.get(provider, [])
        if not own and provider not in by_name and provider not in found:
            continue
        section = _section(provider, by_name.get(provider), found.get(provider))
        rows = rows_of(own[:MOST_ROWS], used_by, endpoints)
        section.models = [(row, uses.get(_parts(row.name), ModelUse())) for row in rows]
        section.further, section.is_whole = max(0, len(own) - MOST_ROWS), is_whole
        yield section


def _section(name: str, endpoint: Endpoint | None, source: Source | None) -> ProviderSection:
    variables = (endpoint.key_env or "") if endpoint else " or ".join(HOSTED[name].key_envs) if name in HOSTED else ""
    key: Key = "not needed" if not variables else "set" if source else "missing"  # not translated: keys
    section = ProviderSection(name, key, variables, _public_address(endpoint.base_url) if endpoint else "")
    if source is not None:
        known = source.models
        section.listed, section.fault = len(known.models), known.fault
        section.read_at = None if known.read_at is None else datetime.fromtimestamp(known.read_at, UTC)
    return section


def _public_address(url: str) -> str:
    """The address without what may be secret in it."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}{parts.path}"


def _parts(name: str) -> tuple[str, str]:
    """Provider and model, as steps have them."""
    company, colon, model = name.partition(":")
    if colon and company in HOSTED:
        return company, model
    server, _, model = name.partition("/")
    return server, model or server
