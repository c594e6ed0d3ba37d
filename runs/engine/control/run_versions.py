"""The version of an agent that the configuration of a new run is of."""

from collections.abc import Collection
from typing import Final

from runs.agent.json_data.json_types import JsonMapping, JsonObject
from runs.models import Run

_OF_THE_RUN: Final = frozenset({"files", "approval_floor"})
"""Keys of a run's configuration that no agent has."""


def origin_like(earlier: Run, config: JsonObject, overrides: JsonObject | None) -> JsonObject:
    """The columns that say what `config` is of, as of `version_like`: a version, or the draft of an earlier run."""
    version = version_like(earlier, config, overrides)
    is_draft = version is None and _is_same(config, earlier.config, _OF_THE_RUN | (overrides or {}).keys())
    return {"version": version, "draft_base": earlier.draft_base if is_draft else None}


def version_like(earlier: Run, config: JsonObject, overrides: JsonObject | None) -> int | None:
    """The version that `config` is of, which was made from the configuration of an earlier run, apart from what people
    have set: the agent's current one, or that of the earlier run. None if it is of neither."""
    apart_from = _OF_THE_RUN | (overrides or {}).keys()
    agent = earlier.agent
    if agent is not None and agent.version is not None and _is_same(config, agent.snapshot(), apart_from):
        return agent.version
    return earlier.version if _is_same(config, earlier.config, apart_from) else None


def _is_same(config: JsonMapping, other: JsonMapping, apart_from: Collection[str]) -> bool:
    keys = {*config, *other}.difference(apart_from)
    return all(config.get(key) == other.get(key) for key in keys)
