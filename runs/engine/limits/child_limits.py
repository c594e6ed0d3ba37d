"""The limits of a child run: those of its agent, and at most its share of what the run that calls it has left.

Tokens, money and tool calls are divided among the calls of a turn that launch runs; a run that is not at its end counts
with all that it may use. Runs of one turn work at the same time, so each may take all the time that is left.
"""

from decimal import ROUND_DOWN, Decimal
from typing import Any, Final

from runs.agent.errors.call_sentences import NOTHING_LEFT
from runs.agent.errors.exceptions import ToolFailed
from runs.agent.json_data.json_types import JsonObject
from runs.agent.run_limits import LIMITS, RunLimits
from runs.agent.tools.child_runs import CALL_AGENT
from runs.engine.limits.configured_limits import limits_of
from runs.models import Run, ToolCall
from runs.models.run_tree import RunTree

SHARED: Final = ("max_tokens", "max_cost_usd", "max_calls", "max_duration_s")
"""The limits that a child has from the run that calls it."""
LEAST_MONEY: Final = Decimal("0.000001")
LEAST_SECONDS: Final = 1.0


def limits_for_child(parent: Run, config: JsonObject) -> JsonObject:
    """The configuration of a child, with its limits. `parent` is locked, and its call that launches has no child yet.

    Raises `ToolFailed` if nothing is left of one of the limits.
    """
    most = limits_of(parent.config)
    tree = RunTree.under(parent, "config")
    own = limits_of(config)
    changed = dict(config)
    for setting in LIMITS:
        if setting.name not in SHARED:
            continue
        left = _share(setting.name, most, parent, tree)
        if left is None:
            continue
        if left <= 0:
            raise ToolFailed(NOTHING_LEFT.made(limit=setting.name))
        wanted = getattr(own, setting.name)
        changed[setting.name] = setting.as_json(left if wanted is None else min(wanted, left))
    return changed


def _share(name: str, most: RunLimits, parent: Run, tree: RunTree) -> Any:
    """What one more child may use; None without a limit."""
    limit = getattr(most, name)
    if limit is None:
        return None
    if name == "max_duration_s":
        left_s = limit - tree.use_of(parent).active_s
        return round(left_s, 3) if left_s >= LEAST_SECONDS else 0
    left = limit - _own(name, parent) - sum(_counted(name, child, tree) for child in tree.children_of(parent))
    if name == "max_cost_usd":
        return (left / _launching(parent)).quantize(LEAST_MONEY, ROUND_DOWN)
    return left // _launching(parent)


def _counted(name: str, child: Run, tree: RunTree) -> Any:
    """What a child counts with: all that it may use, unless it has ended."""
    most = getattr(limits_of(child.config), name)
    used = _used(name, child, tree)
    return used if child.is_finished or most is None else max(used, most)


def _used(name: str, run: Run, tree: RunTree) -> Any:
    use = tree.use_of(run)
    match name:
        case "max_tokens":
            return use.tokens or 0
        case "max_cost_usd":
            return use.cost or Decimal(0)
        case _:
            return run.calls.count() + tree.calls_below(run)


def _own(name: str, run: Run) -> Any:
    match name:
        case "max_tokens":
            return run.tokens_used or 0
        case "max_cost_usd":
            return run.cost or Decimal(0)
        case _:
            return run.calls.count()


def _launching(parent: Run) -> int:
    """The number of calls, this one included, that are going to launch a run."""
    waiting = parent.calls.filter(tool_name=CALL_AGENT, state__in=ToolCall.OPEN, child__isnull=True)
    return max(1, waiting.count())


def within_own(ceilings: JsonObject, config: JsonObject) -> JsonObject:
    """The ceilings of a child that is resumed: it has no more than the run that called it has given it."""
    return ceilings | {name: config[name] for name in SHARED if config.get(name) is not None}
