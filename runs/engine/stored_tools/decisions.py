"""What staff decide about stored tools: which are on, what they do, and whether a change is accepted."""

from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.utils import timezone

from runs.agent.tools.protocol import Effect
from runs.engine.stored_tools.catalog import bump_catalog
from runs.models import StoredTool, ToolSource


class ChangedSince(ValueError):
    """The tool is another one than the person saw."""


@transaction.atomic
def turn_on(tool_id: int, *, seen_hash: str, by: Any) -> StoredTool:
    """Approve the tool as the person saw it, and turn it on.

    Raises `StoredTool.DoesNotExist`, `ChangedSince`, and `ValueError` for a tool that cannot be offered.
    """
    tool = StoredTool.objects.select_for_update(of=("self",)).select_related("source").get(pk=tool_id)
    if tool.hash != seen_hash:
        raise ChangedSince(tool.name)
    if tool.fault:
        raise ValueError(tool.fault)
    _approve(tool, by)
    tool.save(update_fields=[*_APPROVED, "is_enabled"])
    bump_catalog()
    return tool


@transaction.atomic
def turn_on_all(source: ToolSource, *, seen: Collection[str], by: Any) -> int:
    """Approve and turn on all listed tools of the source that have one of the hashes `seen`. Returns their number.

    Changed tools are left out: the difference of each is looked at by itself.
    """
    tools = [
        tool
        for tool in source.tools.select_for_update().filter(is_listed=True, fault="", hash__in=seen)
        if not tool.is_changed and not (tool.is_enabled and tool.is_approved)
    ]
    for tool in tools:
        _approve(tool, by)
    StoredTool.objects.bulk_update(tools, [*_APPROVED, "is_enabled"], batch_size=100)
    bump_catalog()
    return len(tools)


_APPROVED = (
    *("approved_hash", "approved_description", "approved_schema", "approved_request", "approved_by", "approved_at"),
)


def _approve(tool: StoredTool, by: Any) -> None:
    tool.approved_hash, tool.approved_description, tool.approved_schema = tool.hash, tool.description, tool.schema
    tool.approved_request = tool.request
    tool.approved_by, tool.approved_at = by, timezone.now()
    tool.is_enabled = True


@transaction.atomic
def turn_off(tool_id: int) -> StoredTool:
    """Turn a tool off in all processes, also for runs that go on. Raises `StoredTool.DoesNotExist`."""
    tool = StoredTool.objects.select_for_update(of=("self",)).select_related("source").get(pk=tool_id)
    tool.is_enabled = False
    tool.save(update_fields=["is_enabled"])
    bump_catalog()
    return tool


@transaction.atomic
def set_effect(tool_id: int, effect: Effect) -> StoredTool:
    """Say what a second run of the same call would do. Raises `StoredTool.DoesNotExist`."""
    tool = StoredTool.objects.select_for_update(of=("self",)).select_related("source").get(pk=tool_id)
    tool.effect = effect
    tool.save(update_fields=["effect"])
    bump_catalog()
    return tool


@transaction.atomic
def remove_source(source: ToolSource) -> None:
    """Remove a source with its tools. Agents keep their names, which no tool has then."""
    source.delete()
    bump_catalog()
