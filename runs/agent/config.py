"""The configuration of a run, with model providers and tools in place of their names."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from runs.agent.concurrency.race import Strategy
from runs.agent.concurrency.retry import RetryPolicy
from runs.agent.files.access import NO_FILES, FileAccess
from runs.agent.files.file_info import FileInfo, Image
from runs.agent.messages import ModelProvider
from runs.agent.model_settings import PROVIDER_DEFAULTS, ModelSettings
from runs.agent.run_limits import RunLimits
from runs.agent.skills.access import NO_SKILLS, SkillAccess
from runs.agent.skills.skill import SkillInfo
from runs.agent.structured_output import OutputSchema
from runs.agent.tool_calls.approval_rules import Approvals
from runs.agent.tools.child_runs import NO_CHILDREN, ChildRuns
from runs.agent.tools.protocol import Tool, is_offered, needs_files, needs_person, needs_skills
from runs.agent.tools.toolbox import Toolbox


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """What does not change over all turns and claims of a run."""

    providers: Sequence[ModelProvider]
    """At least one; `strategy` says how several are used."""
    toolbox: Toolbox
    instructions: str = ""
    settings: ModelSettings = PROVIDER_DEFAULTS
    limits: RunLimits = field(default_factory=RunLimits)
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    strategy: Strategy = "fallback"
    output: OutputSchema[Any] | None = None
    """The schema the answer must fit; None for text."""
    files: FileAccess = NO_FILES
    """What the tools read files with."""
    file_infos: Sequence[FileInfo] = ()
    """The files that the model is told of: all that the run may read when it is launched."""
    images: Sequence[Image] = ()
    """The pictures that were given with the task."""
    skills: SkillAccess = NO_SKILLS
    """What the tool `read_skill` reads with."""
    skill_infos: Sequence[SkillInfo] = ()
    """The skills that the model is told of."""
    children: ChildRuns = NO_CHILDREN
    """What the tool `call_agent` launches runs with."""
    approvals: Approvals | None = None
    """The rules for asking a person; None where no person can be asked."""

    @property
    def offered_tools(self) -> list[Tool]:
        """The tools that models and scripts are offered: those that the site is set up for, those that read files or
        skills only in runs that have some, and those that ask a person only where that is possible."""
        return [
            tool
            for tool in self.toolbox
            if is_offered(tool)
            and (self.file_infos or not needs_files(tool))
            and (self.skill_infos or not needs_skills(tool))
            and (self.approvals is not None or not needs_person(tool))
        ]
