"""The models of this site as pages show them: keys, prices, capabilities, and the result of the last test."""

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final, Literal

from runs.agent.budget.pricing import ListedPrice, context_window, price_of
from runs.agent.providers.capabilities import UNKNOWN, Capabilities
from runs.agent.providers.model_catalog.announced_model_server import own_endpoints
from runs.agent.providers.model_catalog.catalog import model_fault, provider_for, retirement_of
from runs.agent.providers.model_catalog.endpoints import Endpoint
from runs.agent.providers.model_catalog.hosted_providers import HOSTED
from runs.models import Agent
from runs.web.model_notes import ModelNote, note_about
from runs.web.model_tests import ModelTest, last_test

Key = Literal["set", "missing", "not needed"]
BUILT_IN: Final = "offline"


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
    context_tokens: int | None = None
    """Its context window; None if unknown."""
    price: ListedPrice | None = None
    retires_on: date | None = None
    note: ModelNote | None = None
    """A note on the model's retirement, if that is soon or past."""

    @property
    def id(self) -> str:
        """An HTML id: names contain characters that ids may not."""
        return hashlib.sha256(self.name.encode()).hexdigest()[:12]

    @property
    def can_be_tested(self) -> bool:
        """True if a call is possible; the offline planner needs no test."""
        return self.name != BUILT_IN and self.key != "missing" and not self.fault

    @property
    def is_free(self) -> bool:
        """True if its price is known to be nothing."""
        return self.price is not None and not (self.price.input or self.price.output)

    @property
    def tested(self) -> ModelTest | None:
        """The result of the last test; None without one."""
        return last_test(self.name)


def row_of(name: str, *, agents: Sequence[str] = (), endpoints: Sequence[Endpoint] | None = None) -> ModelRow:
    """A model by its full name, also one that no agent uses. Without `endpoints` the own servers are looked up."""
    endpoints = own_endpoints() if endpoints is None else endpoints
    key, variables = _key_of(name, endpoints)
    retires_on = retirement_of(name, endpoints=endpoints)
    row = ModelRow(
        name, key, variables, list(agents), retires_on=retires_on, note=note_about(name, endpoints=endpoints)
    )
    if key == "missing":
        return row
    if fault := model_fault(name, endpoints=endpoints):
        return replace(row, fault=fault)
    model = provider_for(name, endpoints=endpoints)
    can: Capabilities = getattr(model, "capabilities", UNKNOWN)
    window = can.context_tokens or context_window(model)
    return replace(row, capabilities=can, context_tokens=window, price=price_of(model))


def agents_by_model() -> dict[str, list[str]]:
    """The names of the agents that use each model."""
    used_by: dict[str, list[str]] = defaultdict(list)
    for agent in Agent.objects.all():
        for name in agent.model_names:
            used_by[str(name)].append(agent.name)
    return used_by


def rows_of(names: Iterable[str], used_by: dict[str, list[str]], endpoints: Sequence[Endpoint]) -> list[ModelRow]:
    """The rows of the models. The endpoints are passed in: a lookup parses a setting and locks a file."""
    return [row_of(name, agents=used_by.get(name, []), endpoints=endpoints) for name in names]


def provider_name(model: str, endpoints: Sequence[Endpoint]) -> str:
    """The provider of a model by its full name; empty for a name that nobody serves."""
    company, colon, rest = model.partition(":")
    if colon and rest and company in HOSTED:
        return company
    server = model.partition("/")[0]
    return server if any(each.name == server for each in endpoints) else ""


def _key_of(name: str, endpoints: Sequence[Endpoint]) -> tuple[Key, str]:
    """Whether the key of a model is set, and the variables that hold it. The key itself is not read any further."""
    provider = provider_name(name, endpoints)
    if provider in HOSTED:
        company = HOSTED[provider]
        return "set" if company.key(os.environ) else "missing", " or ".join(company.key_envs)
    endpoint = next((each for each in endpoints if each.name == provider), None)
    if endpoint is None or not endpoint.key_env:
        return "not needed", ""  # not translated: a key
    return "set" if endpoint.is_usable(os.environ) else "missing", endpoint.key_env
