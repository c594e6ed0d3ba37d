"""The offline planner: a model provider that follows rules, uses no AI and needs no network."""

from runs.agent.providers.offline.provider import OfflinePlanner

__all__ = ["OfflinePlanner"]
