"""How a run works: an agent's configuration, with the models and tools it names at hand."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from runs.agent.approvals import Approvals
from runs.agent.limits import RunLimits
from runs.agent.messages import ModelProvider
from runs.agent.model_settings import PROVIDER_DEFAULTS, ModelSettings
from runs.agent.race import Strategy
from runs.agent.retry import RetryPolicy
from runs.agent.structured import OutputSchema
from runs.agent.tools.toolbox import Toolbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What stays the same over all turns and claims of a run."""

    providers: Sequence[ModelProvider]
    """At least one; what several are for says the strategy."""
    toolbox: Toolbox
    instructions: str = ""
    settings: ModelSettings = PROVIDER_DEFAULTS
    limits: RunLimits = field(default_factory=RunLimits)
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    strategy: Strategy = "fallback"
    output: OutputSchema[Any] | None = None
    """The form the answer has to have; None for text."""
    approvals: Approvals | None = None
    """The rules for asking a person; None where there is nobody to ask."""
