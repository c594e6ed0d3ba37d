"""The stored tools of this process: read again from the rows when their version in the database is another one."""

import threading
import time
from typing import Final, cast
from uuid import UUID

from django.db import transaction

from runs.agent.tools import registry
from runs.agent.tools.protocol import Effect
from runs.engine.database_threads import in_thread
from runs.engine.stored_tools.stored_function import StoredFunctionTool, ToolRecord
from runs.models import StoredTool, ToolCatalog

FRESH_S: Final = 1.0
"""How old what this process knows may be when a tool is called."""


class _Loaded:
    """What this process has read."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.version: UUID | None = None
        self.looked_at = float("-inf")


_loaded = _Loaded()


def refresh_tools() -> None:
    """Bring the registry of this process up to date, with one short query if nothing has changed."""
    with _loaded.lock:
        version = ToolCatalog.objects.filter(pk=ToolCatalog.ONLY).values_list("version", flat=True).first()
        if version != _loaded.version:
            registry.set_stored_tools(_read_tools())
            _loaded.version = version
        _loaded.looked_at = time.monotonic()


async def refresh_before_call() -> None:
    """The same at most every `FRESH_S`, from an event loop: a tool that was turned off is not called for long."""
    if time.monotonic() - _loaded.looked_at > FRESH_S:
        await in_thread(refresh_tools)


def bump_catalog() -> None:
    """Give the catalog a new version, in the transaction of a change, and refresh this process after its commit."""
    ToolCatalog.bump()
    transaction.on_commit(refresh_tools)


_APPROVED: Final = ("approved_description", "approved_schema", "approved_request")
"""Columns that only a changed tool is read from."""


def _read_tools() -> list[StoredFunctionTool]:
    """The tools of the rows. One that has not changed stays the same object, with its compiled schema."""
    known = registry.stored_tools()
    tools = []
    changed = {row.pk: row for row in StoredTool.objects.changed().select_related("source")}
    for row in StoredTool.objects.select_related("source").defer(*_APPROVED):
        record = record_of(changed.get(row.pk, row))
        there = known.get(record.name)
        if not isinstance(there, StoredFunctionTool) or there.record != record:
            there = StoredFunctionTool(record, refresh_before_call)
        tools.append(there)
    return tools


def record_of(row: StoredTool) -> ToolRecord:
    """What a row says of a tool. A changed one stays as it was approved: no call is checked against what nobody has
    approved."""
    is_changed = row.is_changed
    return ToolRecord(
        source_id=row.source_id,
        source=row.source.name,
        kind=row.source.kind,
        options=row.source.options,
        name=row.name,
        remote_name=row.remote_name,
        description=row.approved_description if is_changed else row.description,
        schema=(row.approved_schema or {"type": "object"}) if is_changed else row.schema,
        request=(row.approved_request or {}) if is_changed else row.request,
        hash=row.approved_hash if is_changed else row.hash,
        effect=cast(Effect, row.effect),
        is_on=row.is_enabled,
        refusal=_refusal(row),
    )


def _refusal(row: StoredTool) -> str:
    if row.name in registry.declared_tools():
        return f"{row.name} has the name of another tool, which goes first."
    if row.fault:
        return f"{row.name} cannot be offered: {row.fault}"
    if not row.is_listed:
        return f"{row.source.name} no longer has the tool {row.name}."
    if row.is_changed:
        return f"{row.name} was changed by {row.source.name}. It is not called until staff approve the change."
    if not row.is_enabled or not row.is_approved:
        return f"{row.name} is turned off."
    return ""
