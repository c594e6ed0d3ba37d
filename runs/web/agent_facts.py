"""The configuration of an agent in words: tools with their effects, limits, approvals, model settings."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from runs.agent.all_settings import SETTINGS
from runs.agent.setting import Group, Setting
from runs.agent.tools.function_tool import FunctionTool
from runs.agent.tools.protocol import approval_of, effect_of
from runs.agent.tools.registry import BUILTIN_MODULES, default_tools, registered_tools
from runs.agent_configs.setting_labels import amount_words, fact_label_of
from runs.live.rendering.formatting import counted_text, dollars
from runs.models import Agent
from runs.web.run_settings import Fact, setting_words, span_words

EFFECTS: Final = {
    "pure": (gettext_lazy("Computes only"), "equal"),
    "read": (gettext_lazy("Reads"), "eye"),
    "idempotent": (gettext_lazy("Changes things, safe to repeat"), "repeat"),
    "unsafe": (gettext_lazy("Changes things outside"), "triangle-alert"),
}
"""Words and icon of each effect."""
RULES: Final = {
    Agent.Approval.NEVER: gettext_lazy("Never asks"),
    Agent.Approval.UNSAFE: gettext_lazy("Asks if it changes things outside"),
    Agent.Approval.ALWAYS: gettext_lazy("Always asks"),
}
"""Each rule of approvals, for one tool."""
STRATEGIES: Final = {
    Agent.Strategy.FALLBACK: (
        gettext_lazy("Fallback"),
        gettext_lazy("One model at a time: the next one is asked when a model fails."),
    ),
    Agent.Strategy.HEDGE: (
        gettext_lazy("Hedge"),
        gettext_lazy("The next model is also asked when one is slow to begin. Faster, and may cost more."),
    ),
    Agent.Strategy.RACE: (
        gettext_lazy("Race"),
        gettext_lazy("All models at once, the first answer wins. Every request is paid for."),
    ),
}
"""Name and one line about each strategy."""


@dataclass(frozen=True, slots=True)
class ToolFact:
    """A tool as an agent has it."""

    name: str
    about: str = ""
    """The first sentence of its description."""
    effect: str = ""
    """Empty for a tool that is no longer registered."""
    rule: str = ""
    """The agent's rule for this tool; empty if it has none."""
    asks: bool = False
    """True if a call waits for a person."""
    source: str = ""
    """The module that defines it; empty for a built-in tool."""
    not_now: str = ""
    """Why it cannot be called now; empty if it can, or if nobody has looked (`with_availability`)."""

    @property
    def effect_words(self) -> str:
        """The effect in words."""
        return str(EFFECTS[self.effect][0]) if self.effect else _("Gone")

    @property
    def effect_icon(self) -> str:
        """The name of the effect's icon."""
        return EFFECTS[self.effect][1] if self.effect else "circle-question-mark"


def tools_of(agent: Agent) -> list[ToolFact]:
    """The tools that the agent may call; for one that does not choose, the declared ones that the site is set up
    for."""
    known = registered_tools()
    names = list(default_tools()) if agent.tools is None else [str(name) for name in agent.tools]
    return [tool_fact(name, known.get(name), agent.approval, agent.tool_approvals) for name in names]


def tool_fact(
    name: str, tool: FunctionTool | None, approval: str, rules: Mapping[str, str], floor: str = Agent.Approval.NEVER
) -> ToolFact:
    """One tool under an agent's rule for all tools and its rules for single ones, and the rule `floor` of a launch,
    which applies in addition. `tool` None: not registered."""
    rule = rules.get(name, "")
    if tool is None:
        return ToolFact(name, rule=rule)
    effect, own = effect_of(tool), approval_of(tool)
    applied = (rule or own or approval, floor)
    asks = Agent.Approval.ALWAYS in applied or (Agent.Approval.UNSAFE in applied and effect == "unsafe")
    module = tool.source
    return ToolFact(
        name, first_sentence(tool.description), effect, rule, asks, "" if module in BUILTIN_MODULES else module
    )


def first_sentence(text: str) -> str:
    """The first sentence of a description, which may go over several lines."""
    paragraph = " ".join(text.strip().partition("\n\n")[0].split())
    sentence, end, _ = paragraph.partition(". ")
    return f"{sentence}." if end else paragraph


def tools_in_words(agent: Agent) -> str:
    """`5 tools, 2 change things outside`."""
    tools = tools_of(agent)
    if not tools:
        return _("No tools")
    unsafe = sum(each.effect == "unsafe" for each in tools)
    words = ngettext("%(count)s tool", "%(count)s tools", len(tools)) % {"count": len(tools)}
    if not unsafe:
        return words
    more = ngettext("%(count)s changes things outside", "%(count)s change things outside", unsafe) % {"count": unsafe}
    return f"{words}, {more}"


def limits_in_words(agent: Agent) -> str:
    """`20 turns · 10 min · $0.50`: turns, time and cost."""
    parts = [amount_words(agent.max_turns, "turn"), span_words(agent.max_duration_s)]
    if agent.max_cost_usd is not None:
        parts.append(dollars(agent.max_cost_usd))
    return " · ".join(parts)


def limit_facts(agent: Agent) -> list[Fact]:
    """The limits and time limits of a run."""
    facts = [*_facts(agent, "limits"), *_facts(agent, "timeouts")]
    facts.insert(1, Fact(_("Attempts at a reply"), str(agent.max_attempts)))
    return facts


def model_setting_facts(agent: Agent) -> list[Fact]:
    """The model settings that differ from the provider's defaults."""
    return list(_facts(agent, "model"))


def approval_facts(agent: Agent) -> list[Fact]:
    """Which calls wait for a person, for how long, and what a launch may raise."""
    rules = {"never": _("Nothing"), "unsafe": _("Tools that change things outside"), "always": _("Every tool")}
    facts = [Fact(_("Asks before"), rules[agent.approval]), Fact(_("If nobody decides"), expiry_words(agent))]
    if agent.tool_approvals:
        own = (f"{name}: {RULES[Agent.Approval(rule)]}" for name, rule in agent.tool_approvals.items())
        facts.insert(1, Fact(_("Rules for single tools"), ", ".join(own)))
    return facts


def expiry_words(agent: Agent) -> str:
    """What happens to a call that is not decided."""
    if agent.approval_seconds is None:
        return _("It waits for ever")
    span = {"span": span_words(agent.approval_seconds)}
    if agent.on_approval_expiry == Agent.OnExpiry.APPROVE:
        return _("Approved after %(span)s") % span
    return _("Denied after %(span)s") % span


def queue_facts(agent: Agent) -> Iterator[Fact]:
    """What a launch may raise, and the place of the runs in the queue."""
    raised = [str(Agent.MayRaise(kind).label) for kind in agent.launch_may_raise]
    yield Fact(_("A launch may raise"), "; ".join(raised) or _("Nothing"))
    if agent.priority:
        yield Fact(_("Priority"), f"{agent.priority:+d}")
    if agent.max_runs_at_once is not None:
        yield Fact(_("Runs at the same time"), counted_text(agent.max_runs_at_once))


def _facts(agent: Agent, group: Group) -> Iterator[Fact]:
    for setting in _settings(group):
        value = getattr(agent, setting.agent_column)
        if value not in (None, "", {}):
            yield Fact(fact_label_of(setting), setting_words(setting, value), is_code=setting.kind == "json")


def _settings(group: Group) -> Iterable[Setting]:
    return (each for each in SETTINGS.values() if each.group == group)


def schema_text(agent: Agent) -> str:
    """The JSON Schema of the answer, indented; empty for an answer in text."""
    return json.dumps(agent.output_schema, indent=2, ensure_ascii=False) if agent.output_schema else ""
