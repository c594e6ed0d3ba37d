"""The models page: configured models, their API keys, and test results."""

import asyncio
import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final, Literal

from django.core.cache import cache
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from runs.agent.messages import ModelProvider
from runs.agent.providers.capabilities import UNKNOWN, Capabilities
from runs.agent.providers.model_catalog.catalog import model_fault, provider_for, sources
from runs.agent.providers.model_catalog.connection_test import Probe, probe
from runs.agent.providers.model_catalog.endpoints import Endpoint
from runs.agent.providers.model_catalog.hosted_providers import HOSTED
from runs.agent.providers.model_catalog.local_server_discovery import own_endpoints
from runs.agent.providers.model_catalog.suggestions import available_models
from runs.agent.providers.remote_model import RemoteModel
from runs.models import Agent
from runs.models.permissions import may_see_models, may_test_models
from runs.web.access import PageRequest, only_if
from runs.web.model_notes import ModelNote, note_about

KEEP_S: Final = 24 * 3600
"""How long the page shows a test result."""

Key = Literal["set", "missing", "not needed"]


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A model as the page shows it."""

    name: str
    key: Key
    key_variables: str = ""
    """The environment variables of its key."""
    agents: list[str] = field(default_factory=list)
    """The agents that use it."""
    fault: str = ""
    """Why it cannot be called at all, apart from a missing key."""
    capabilities: Capabilities = UNKNOWN
    """Reported by the model's endpoint or its server's list."""
    note: ModelNote | None = None
    """A note on the model's retirement, if that is soon or past."""

    @property
    def id(self) -> str:
        """An HTML id: names contain characters that ids may not."""
        return hashlib.sha256(self.name.encode()).hexdigest()[:12]

    @property
    def can_be_tested(self) -> bool:
        """True if a call is possible; the offline planner needs no test."""
        return self.name != "offline" and self.key != "missing" and not self.fault

    @property
    def tested(self) -> Probe | None:
        """The result of the last test; None without one."""
        found: Probe | None = cache.get(_cache_key(self.name))
        return found


@dataclass(frozen=True, slots=True)
class ListRow:
    """The state of a server's own list of models."""

    server: str
    count: int
    read_at: datetime | None
    """None before the first read."""
    fault: str


@require_safe
@only_if(may_see_models)
def show_models(request: PageRequest) -> HttpResponse:
    """Show every configured model, and the providers whose key is missing."""
    endpoints = own_endpoints()
    rows = list(_rows(endpoints))
    named = {row.name.partition(":")[0] for row in rows}
    missing = [each for each in HOSTED.values() if each.name not in named]
    context = {
        "rows": rows,
        "companies": missing,
        "lists": list(_lists(endpoints)),
        "may_test": may_test_models(request.user),
    }
    return render(request, "runs/models.html", context)


@require_POST
@only_if(may_test_models)
def test_model(request: PageRequest) -> HttpResponse:
    """Test a model with one small call. To htmx its result; otherwise a redirect to the page, which shows it.

    The call has an event loop of its own in this request's thread, so it blocks no other request.
    """
    endpoints = own_endpoints()
    row = next((row for row in _rows(endpoints) if row.name == request.POST.get("model") and row.can_be_tested), None)
    if row is None:
        raise Http404("There is no such model here that can be tested.")
    _test(row, endpoints)
    if request.htmx:
        return render(request, "runs/partials/model_test.html", {"row": row})
    return redirect("runs:models" if may_see_models(request.user) else "runs:dashboard")


def row_of(name: str, *, endpoints: Sequence[Endpoint] | None = None) -> ModelRow:
    """A model by its full name, also one that no agent uses. Without `endpoints` the own servers are looked up."""
    return _row(name, [], own_endpoints() if endpoints is None else endpoints)


def test_by_name(name: str) -> None:
    """Test a model that can be tested, also one that no agent uses yet; the result is shown for `KEEP_S`."""
    endpoints = own_endpoints()
    row = row_of(name, endpoints=endpoints)
    if row.can_be_tested:
        _test(row, endpoints)


def _test(row: ModelRow, endpoints: Sequence[Endpoint]) -> None:
    cache.set(_cache_key(row.name), asyncio.run(_asked(provider_for(row.name, endpoints=endpoints))), KEEP_S)


async def _asked(model: ModelProvider) -> Probe:
    if isinstance(model, RemoteModel):
        await model.load()  # Importing the SDK takes seconds once, which are not the model's.
    return await probe(model)


def _rows(endpoints: Sequence[Endpoint]) -> Iterator[ModelRow]:
    """The listed models, those of own servers without a key, and further ones that agents name.

    The endpoints are passed in: a lookup parses a setting and locks a file, and there may be 100 models.
    """
    used_by: dict[str, list[str]] = defaultdict(list)
    for agent in Agent.objects.all():
        for name in agent.model_names:
            used_by[str(name)].append(agent.name)
    own = (f"{each.name}/{model}" for each in endpoints for model in each.models)
    for name in _once([*available_models(endpoints=endpoints), *own, *used_by]):
        yield _row(name, used_by[name], endpoints)


def _row(name: str, agents: list[str], endpoints: Sequence[Endpoint]) -> ModelRow:
    prefix, _, rest = name.partition(":")
    if rest and prefix in HOSTED:
        company = HOSTED[prefix]
        key: Key = "set" if company.key(os.environ) else "missing"
        return _known(name, key, " or ".join(company.key_envs), agents, endpoints)
    server = name.partition("/")[0]
    endpoint = next((each for each in endpoints if each.name == server), None)
    if endpoint is None or not endpoint.key_env:
        return _known(name, "not needed", "", agents, endpoints)
    key = "set" if endpoint.is_usable(os.environ) else "missing"
    return _known(name, key, endpoint.key_env, agents, endpoints)


def _known(name: str, key: Key, key_variables: str, agents: list[str], endpoints: Sequence[Endpoint]) -> ModelRow:
    row = ModelRow(name, key, key_variables, agents, note=note_about(name, endpoints=endpoints))
    if key == "missing":
        return row
    if fault := model_fault(name, endpoints=endpoints):
        return replace(row, fault=fault)
    return replace(row, capabilities=getattr(provider_for(name, endpoints=endpoints), "capabilities", UNKNOWN))


def _lists(endpoints: Sequence[Endpoint]) -> Iterator[ListRow]:
    for source in sources(endpoints=endpoints):
        known = source.models
        read_at = None if known.read_at is None else datetime.fromtimestamp(known.read_at, UTC)
        yield ListRow(source.server.name, len(known.models), read_at, known.fault)


def _once(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _cache_key(name: str) -> str:
    return f"model-test:{hashlib.sha256(name.encode()).hexdigest()}"
