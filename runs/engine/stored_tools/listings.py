"""What a source lists becomes rows: new tools wait for staff, changed ones are not offered until staff approve."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from django.db import transaction
from django.utils import timezone

from runs.engine.stored_tools.catalog import bump_catalog
from runs.engine.stored_tools.listed_tool import CheckedTool, ListedTool, checked_tool
from runs.engine.stored_tools.tool_names import cleaned_name, own_remote_name, tool_name
from runs.models import StoredTool, ToolSource

MOST_TOOLS: Final = 500
"""Of one source."""
MOST_CHARS: Final = 4_000_000
"""Of all tools of one listing."""
_FROM_SOURCE: Final = ("description", "schema", "request", "hints", "hash", "fault")


@dataclass(frozen=True, slots=True)
class Listing:
    """What a listing changed."""

    tools: int
    """How many were listed and stored."""
    new: tuple[str, ...] = ()
    """Names of tools that were not known."""
    changed: tuple[str, ...] = ()
    """Names of tools that differ from what staff approved."""
    gone: tuple[str, ...] = ()
    """Names of tools that are no longer listed."""
    left_out: int = 0
    """Tools above the limits, which are not stored."""


def store_listing(source_id: int, listed: Sequence[ListedTool]) -> Listing | None:
    """Store what a source lists, in one transaction. None if the source was removed meanwhile.

    A name that is listed twice counts once. The catalog gets a new version only if a tool has changed.
    """
    kept = _within_limits(listed)
    checked = _with_own_names(kept)
    with transaction.atomic():
        source = ToolSource.objects.select_for_update().filter(pk=source_id).first()
        if source is None:
            return None
        source.listed_at = timezone.now()
        source.facts = source.facts | {"left_out": len(listed) - len(kept)}
        source.save(update_fields=["listed_at", "facts"])
        return _stored(source, checked, left_out=len(listed) - len(kept))


def _within_limits(listed: Sequence[ListedTool]) -> list[ListedTool]:
    kept: dict[str, ListedTool] = {}
    left = MOST_CHARS
    for each in listed:
        left -= each.size
        if left < 0 or len(kept) >= MOST_TOOLS:
            break
        kept.setdefault(each.remote_name, each)
    return list(kept.values())


def _with_own_names(kept: Sequence[ListedTool]) -> list[CheckedTool]:
    """The tools for their rows, each with another remote name. What is readable of two long or invisible names may be
    the same: the later one has a hash at its end. A name that is stored as it is listed stays so."""
    taken = {each.remote_name for each in kept}
    tools = []
    for each in kept:
        tool = checked_tool(each)
        if tool.remote_name != each.remote_name:
            name = own_remote_name(tool.remote_name, each.remote_name, taken)
            fault = tool.fault or "Another tool has the same name, but for characters that nobody sees."
            tool = tool if name == tool.remote_name else replace(tool, remote_name=name, fault=fault)
            taken.add(name)
        tools.append(tool)
    return tools


def _stored(source: ToolSource, checked: Sequence[CheckedTool], *, left_out: int) -> Listing:
    rows = {row.remote_name: row for row in StoredTool.objects.filter(source=source)}
    known = [each for each in checked if each.remote_name in rows]
    new = [each for each in checked if each.remote_name not in rows]
    touched = [rows[each.remote_name] for each in known if _update(rows[each.remote_name], each)]
    listed_names = {each.remote_name for each in checked}
    gone = [row for row in rows.values() if row.is_listed and row.remote_name not in listed_names]
    for row in gone:
        row.is_listed = False
    StoredTool.objects.bulk_update([*touched, *gone], [*_FROM_SOURCE, "effect", "is_listed"], batch_size=100)
    made = StoredTool.objects.bulk_create(_new_rows(source, new))
    if touched or gone or made:
        bump_catalog()
    return Listing(
        tools=len(checked),
        new=tuple(row.name for row in made),
        changed=tuple(row.name for row in touched if row.is_changed),
        gone=tuple(row.name for row in gone),
        left_out=left_out,
    )


def _update(row: StoredTool, now: CheckedTool) -> bool:
    """True if the row has changed."""
    values = {name: getattr(now, name) for name in _FROM_SOURCE} | {"is_listed": True}
    if all(getattr(row, name) == value for name, value in values.items()):
        return False
    if row.request.get("method") != now.request.get("method"):
        # What staff said of a GET says nothing of the DELETE that has taken its name.
        row.effect = now.effect
    for name, value in values.items():
        setattr(row, name, value)
    return True


def _new_rows(source: ToolSource, new: Sequence[CheckedTool]) -> list[StoredTool]:
    taken = set(StoredTool.objects.values_list("name", flat=True))
    rows = []
    # First those whose name stays as it is: another one that becomes the same gets the longer name.
    for each in sorted(new, key=lambda tool: cleaned_name(tool.remote_name) != tool.remote_name):
        name = tool_name(source.name, each.remote_name, taken)
        taken.add(name)
        values = {column: getattr(each, column) for column in ("remote_name", "effect", *_FROM_SOURCE)}
        rows.append(StoredTool(source=source, name=name, **values))
    return rows
