"""What a source lists becomes rows: new tools wait for staff, changed ones are not offered until staff approve."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from django.db import transaction
from django.utils import timezone

from runs.engine.stored_tools.catalog import bump_catalog
from runs.engine.stored_tools.listed_tool import CheckedTool, ListedTool, checked_tool
from runs.engine.stored_tools.tool_names import SEPARATOR, cleaned_name, own_remote_name, tool_name
from runs.models import StoredTool, ToolCatalog, ToolSource

MOST_TOOLS: Final = 500
"""Of one source."""
MOST_CHARS: Final = 4_000_000
"""Of all tools of one listing."""
BATCH: Final = 25
"""Tools in one transaction, which takes about 10 ms."""
_APPROVED: Final = ("approved_description", "approved_schema", "approved_request")
_FROM_SOURCE: Final = ("description", "schema", "request", "hints", "hash", "fault")


@dataclass(frozen=True, slots=True)
class Listing:
    """What a listing changed."""

    tools: int = 0
    """How many were listed and stored."""
    new: tuple[str, ...] = ()
    """Names of tools that were not known."""
    changed: tuple[str, ...] = ()
    """Names of tools that differ from what staff approved."""
    gone: tuple[str, ...] = ()
    """Names of tools that are no longer listed."""
    left_out: int = 0
    """Tools above the limits, which are not stored."""
    written: int = 0
    """Rows that were written, also of tools that nobody has approved."""

    def with_batch(self, other: "Listing") -> "Listing":
        """This one and what a batch changed."""
        return replace(
            self,
            new=self.new + other.new,
            changed=self.changed + other.changed,
            gone=self.gone + other.gone,
            written=self.written + other.written,
        )


def store_listing(source_id: int, listed: Sequence[ListedTool]) -> Listing | None:
    """Store what a source lists: what has changed, in transactions of at most `BATCH` tools, so that whoever else
    writes waits for one of them at most. None if the source was removed meanwhile.

    A name that is listed twice counts once. The catalog gets a new version only if a tool has changed.
    """
    kept = _within_limits(listed)
    checked = _with_own_names(kept)
    source = ToolSource.objects.filter(pk=source_id).first()
    if source is None:
        return None
    listing = Listing(tools=len(checked), left_out=len(listed) - len(kept))
    differing = _differing(source, checked)
    for first in range(0, len(differing), BATCH):
        stored = _stored(source_id, differing[first : first + BATCH])
        if stored is None:
            return None
        listing = listing.with_batch(stored)
    return listing if _note_listed(source_id, listing, is_changed=listing.written > 0) else None


@transaction.atomic
def _note_listed(source_id: int, listing: Listing, *, is_changed: bool) -> bool:
    """False if the source was removed meanwhile."""
    source = ToolSource.objects.select_for_update().filter(pk=source_id).first()
    if source is None:
        return False
    source.listed_at = timezone.now()
    source.facts = source.facts | {"left_out": listing.left_out}
    source.save(update_fields=["listed_at", "facts"])
    if is_changed:
        bump_catalog()
    return True


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


def _differing(source: ToolSource, checked: Sequence[CheckedTool]) -> list[CheckedTool | str]:
    """What is to be written: tools that differ from their rows, new ones, and the remote names of those that are gone.
    Of the new ones first those whose name stays as it is: another one that becomes the same gets the longer name."""
    rows = {row.remote_name: row for row in StoredTool.objects.filter(source=source).defer(*_APPROVED)}
    known = [each for each in checked if (row := rows.get(each.remote_name)) is not None and _update(row, each)]
    new = [each for each in checked if each.remote_name not in rows]
    listed_names = {each.remote_name for each in checked}
    gone = [name for name, row in rows.items() if row.is_listed and name not in listed_names]
    return [*known, *sorted(new, key=lambda tool: cleaned_name(tool.remote_name) != tool.remote_name), *gone]


@transaction.atomic
def _stored(source_id: int, batch: Sequence[CheckedTool | str]) -> Listing | None:
    """Write a batch, as the rows are now. None if the source was removed."""
    source = ToolSource.objects.select_for_update().filter(pk=source_id).first()
    if source is None:
        return None
    names = [each if isinstance(each, str) else each.remote_name for each in batch]
    rows = {row.remote_name: row for row in StoredTool.objects.filter(source=source, remote_name__in=names)}
    tools = [each for each in batch if isinstance(each, CheckedTool)]
    known = [(rows[each.remote_name], each) for each in tools if each.remote_name in rows]
    touched = [row for row, each in known if _update(row, each)]
    gone = [rows[each] for each in batch if isinstance(each, str) and each in rows and rows[each].is_listed]
    for row in gone:
        row.is_listed = False
    for row in (*touched, *gone):
        row.save(update_fields=[*_FROM_SOURCE, "effect", "is_listed"])
    made = StoredTool.objects.bulk_create(_new_rows(source, [each for each in tools if each.remote_name not in rows]))
    if touched or gone or made:
        ToolCatalog.bump()  # this process reads them after the last batch
    return Listing(
        new=tuple(row.name for row in made),
        changed=tuple(row.name for row in touched if row.is_changed),
        gone=tuple(row.name for row in gone),
        written=len(touched) + len(gone) + len(made),
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
    # No other source has a name that begins so.
    of_source = (
        StoredTool.objects.filter(name__startswith=source.name + SEPARATOR) if new else StoredTool.objects.none()
    )
    taken = set(of_source.values_list("name", flat=True))
    rows = []
    for each in new:
        name = tool_name(source.name, each.remote_name, taken)
        taken.add(name)
        values = {column: getattr(each, column) for column in ("remote_name", "effect", *_FROM_SOURCE)}
        rows.append(StoredTool(source=source, name=name, **values))
    return rows
