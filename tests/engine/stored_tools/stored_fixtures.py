"""A source whose tools are kept as rows, and what its calls got."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.utils import timezone

from runs.agent.json_data.json_types import JsonObject
from runs.agent.tools.registry import registered_tools
from runs.engine.stored_tools import stored_function
from runs.engine.stored_tools.catalog import refresh_tools
from runs.engine.stored_tools.decisions import turn_on
from runs.engine.stored_tools.listed_tool import ListedTool
from runs.engine.stored_tools.listings import Listing, store_listing
from runs.engine.stored_tools.stored_function import StoredFunctionTool, ToolRecord
from runs.models import StoredTool, ToolSource

SEARCH = ListedTool(
    "search",
    "Search the shop.",
    {"type": "object", "properties": {"words": {"type": "string"}}, "required": ["words"]},
)


class Shop:
    """A source named `shop`."""

    def __init__(self) -> None:
        now = timezone.now()
        self.source = ToolSource.objects.create(name="shop", kind="mcp", state_since=now, added_at=now)
        self.calls: list[tuple[str, JsonObject]] = []

    def lists(self, *tools: ListedTool) -> Listing:
        """What it lists becomes rows."""
        listing = store_listing(self.source.pk, tools)
        assert listing is not None
        return listing

    def has(self, *tools: ListedTool) -> None:
        """It lists the tools, and staff turn all of them on."""
        self.lists(*tools)
        for row in StoredTool.objects.filter(source=self.source, fault=""):
            turn_on(row.pk, seen_hash=row.hash, by=None)
        refresh_tools()

    def tool(self, name: str) -> StoredFunctionTool:
        """A tool as the registry has it."""
        found = registered_tools()[name]
        assert isinstance(found, StoredFunctionTool)
        return found

    def row(self, name: str) -> StoredTool:
        """Its row."""
        return StoredTool.objects.get(name=name)

    async def call(self, record: ToolRecord, arguments: JsonObject) -> Any:
        """The caller of its tools."""
        self.calls.append((record.remote_name, arguments))
        return f"Called {record.remote_name}."


@pytest.fixture
def make_shop(own_registry: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Shop]]:
    """Make the source in the test's database. What the process has read of the tools is forgotten after the test."""
    monkeypatch.setattr(stored_function, "_callers", {})
    monkeypatch.setattr("runs.engine.stored_tools.catalog.FRESH_S", -1.0)

    def made() -> Shop:
        shop = Shop()
        stored_function.set_caller("mcp", shop.call)
        refresh_tools()
        return shop

    yield made
    monkeypatch.setattr("runs.engine.stored_tools.catalog._loaded.version", None)


@pytest.fixture
def shop(db: None, make_shop: Callable[[], Shop]) -> Shop:
    """A source named `shop` without tools."""
    return make_shop()
