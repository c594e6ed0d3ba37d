"""The registered tools for people: where they come from, what they do, who is asked before a call."""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy

from runs.agent.run_limits import RunLimits
from runs.agent.tools.function_tool import FunctionTool
from runs.agent.tools.protocol import approval_of, effect_of, is_offered, makes_calls, needs_files, needs_person
from runs.agent.tools.registry import BUILTIN_MODULES, default_tools, registered_tools
from runs.engine.stored_tools.stored_function import StoredFunctionTool
from runs.live.rendering.formatting import counted_text
from runs.markdown import visible
from runs.models import Agent
from runs.templatetags.run_text import one_line
from runs.text_search import folded
from runs.web.agent_facts import EFFECTS, RULES, ToolFact, tool_fact
from runs.web.run_settings import Fact, span_words
from runs.web.schema_rows import SchemaRow, schema_rows
from runs.web.tool_use import ToolUse, ToolUses

BUILT_IN: Final = ""
"""The source of the tools that come with the site; other sources are named by their module."""
ABOUT_CHARS: Final = 240
MEANINGS: Final = {
    "pure": gettext_lazy("It computes. A call that a crash interrupted is simply made again."),
    "read": gettext_lazy("It looks at something outside. A call that a crash interrupted is simply made again."),
    "idempotent": gettext_lazy("It changes something, but the same call again changes nothing more."),
    "unsafe": gettext_lazy("A second call would do it twice. It is never repeated without a person who decides."),
}
"""What each effect means for the calls of a run."""


@dataclass(frozen=True)
class ToolRow:
    """A tool and how its calls went."""

    tool: FunctionTool
    use: ToolUse

    @property
    def name(self) -> str:
        """Its name."""
        return self.tool.name

    @property
    def url(self) -> str:
        """The address of its page."""
        return reverse("runs:tool", args=[self.tool.name])

    @property
    def source(self) -> str:
        """The module that defines it; `BUILT_IN` for a built-in one."""
        module = self.tool.source
        return BUILT_IN if module in BUILTIN_MODULES else module

    @cached_property
    def about(self) -> str:
        """The first paragraph of its description, on one line."""
        return one_line(self.tool.description.strip().partition("\n\n")[0], ABOUT_CHARS)

    @property
    def description(self) -> list[str]:
        """All of it, by paragraphs. Their lines are joined, since a docstring breaks them anywhere, but for lists."""
        return [_joined(part) for part in visible(self.tool.description).split("\n\n") if part.strip()]

    @property
    def effect(self) -> str:
        """The name of its effect."""
        return effect_of(self.tool)

    @property
    def effect_words(self) -> str:
        """The effect in words."""
        return str(EFFECTS[self.effect][0])

    @property
    def effect_icon(self) -> str:
        """The name of the effect's icon."""
        return EFFECTS[self.effect][1]

    @property
    def effect_meaning(self) -> str:
        """What the effect means for its calls."""
        return str(MEANINGS[self.effect])

    @property
    def asks(self) -> str:
        """The tool's own rule for approvals, or that each agent has one."""
        own = approval_of(self.tool)
        return gettext("As its agent says") if own is None else str(RULES[Agent.Approval(own)])

    @cached_property
    def is_offered(self) -> bool:
        """False if the site is not set up for it."""
        return is_offered(self.tool)

    @property
    def why_not_offered(self) -> str:
        """Why no run is offered it, in a few words; empty if runs are."""
        if self.is_offered:
            return ""
        if not isinstance(self.tool, StoredFunctionTool):
            return gettext("Not set up")
        return gettext("Cannot be called now") if self.tool.record.is_on else gettext("Off")

    @property
    def needs_files(self) -> bool:
        """True if only runs with files are offered it."""
        return needs_files(self.tool)

    @property
    def makes_calls(self) -> bool:
        """True if it calls other tools of its run."""
        return makes_calls(self.tool)

    @property
    def not_alone(self) -> str:
        """Why it cannot be tried by itself; empty if it can."""
        if not self.is_offered and isinstance(self.tool, StoredFunctionTool):
            return gettext("It is off, or not as staff approved it, so no run is offered it.")
        if not self.is_offered:
            return gettext("This site is not set up for it, so no run is offered it.")
        if self.needs_files:
            return gettext("It works in runs only: it reads the files of its run.")
        if needs_person(self.tool):
            return gettext("It works in runs only: it asks the person who launched its run.")
        if self.makes_calls:
            return gettext("It works in runs only: it calls the other tools of its run.")
        return ""

    @cached_property
    def schema(self) -> str:
        """The JSON Schema of its arguments, indented."""
        return visible(json.dumps(self.tool.get_schema(), indent=2, ensure_ascii=False))

    @cached_property
    def arguments(self) -> list[SchemaRow]:
        """Its arguments, for a table."""
        return schema_rows(self.tool.get_schema())

    @property
    def timeout_s(self) -> float:
        """The time limit of one call, that of runs by default if it has none of its own."""
        return self.tool.timeout_s or RunLimits().tool_timeout_s

    @property
    def facts(self) -> list[Fact]:
        """Source, time limit, attempts and limits of its calls."""
        facts = [Fact(gettext("Source"), self.source or gettext("Built in"), is_code=bool(self.source))]
        words = gettext("%(limit)s, its own") if self.tool.timeout_s else gettext("%(limit)s, or that of its agent")
        facts.append(Fact(gettext("Time limit of a call"), words % {"limit": span_words(self.timeout_s)}))
        attempts = self.tool.retry.max_attempts if self.tool.retry else 1
        facts.append(Fact(gettext("Attempts at a call"), str(attempts)))
        limits, words = self.tool.call_limits, gettext("%(most)s in a process")
        if limits.concurrency is not None:
            facts.append(Fact(gettext("Calls at once"), words % {"most": counted_text(limits.concurrency)}))
        if limits.rate is not None:
            facts.append(Fact(gettext("Calls in a minute"), words % {"most": counted_text(limits.rate)}))
        return facts


def _joined(paragraph: str) -> str:
    lines = [line.strip() for line in paragraph.strip().split("\n")]
    return lines[0] + "".join(f"\n{line}" if line.startswith(("-", "*", "•")) else f" {line}" for line in lines[1:])


@dataclass(frozen=True, slots=True)
class ToolSection:
    """The tools of one source."""

    source: str
    """`BUILT_IN`, or a module."""
    rows: list[ToolRow]

    @property
    def key(self) -> str:
        """For ids: letters, digits and hyphens."""
        return "".join(each if each.isalnum() else "-" for each in self.source) or "built-in"


@dataclass(frozen=True, slots=True)
class ToolUser:
    """An agent that may call the tool."""

    agent: Agent
    fact: ToolFact


def rows_of(uses: ToolUses, words: str = "") -> list[ToolRow]:
    """The registered tools whose name or description has the words, built-in ones first. Of stored ones those that
    staff turned on."""
    wanted = folded(words).split()
    shown = {name: each for name, each in registered_tools().items() if is_on(each)}
    rows = [ToolRow(each, uses.of(name)) for name, each in shown.items()]
    return [row for row in rows if all(word in folded(f"{row.name} {row.tool.description}") for word in wanted)]


def is_on(tool: FunctionTool) -> bool:
    """False for a stored tool that staff did not turn on."""
    return not isinstance(tool, StoredFunctionTool) or tool.record.is_on


def sections_of(rows: list[ToolRow]) -> list[ToolSection]:
    """The tools by source: built-in ones first, then by module."""
    by_source: dict[str, list[ToolRow]] = {}
    for row in rows:
        by_source.setdefault(row.source, []).append(row)
    return [ToolSection(source, by_source[source]) for source in sorted(by_source)]


def users_of(tool: FunctionTool) -> list[ToolUser]:
    """The agents that may call the tool, by name, each with what it says about approvals."""
    agents: Any = Agent.objects.order_by("name").defer("instructions")
    has = tool.name in default_tools()
    return [
        ToolUser(agent, tool_fact(tool.name, tool, agent.approval, agent.tool_approvals))
        for agent in agents
        if (agent.tools is None and has) or (agent.tools is not None and tool.name in agent.tools)
    ]
