"""JSON lists of objects, and JSON lines, as tables."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from runs.agent.json_data.json_values import DuplicateName, as_storable_text, unique_object
from runs.agent.sandbox.refusal import JobRefused
from runs.agent.tools.data.raw_table import EMPTY, MAX_COLUMNS, CellKind, RawTable, Row, column_names, with_line_feeds
from runs.agent.tools.data.text_encoding import encoding_of


class _WrittenNumber(str):
    """A number as it is written: a float would change its digits."""

    __slots__ = ()


def read_json_table(path: Path, *, is_lines: bool) -> RawTable:
    """The table of the objects in the file; each name is a column. Raises `JobRefused`."""
    notes: list[str] = []
    content = path.read_bytes()
    text = content.decode(encoding_of(content, notes))
    del content
    try:
        objects = list(_lines(text)) if is_lines else _list(text)
    except RecursionError:
        raise JobRefused("Its values are nested too deeply.") from None
    names: dict[str, int] = {}
    for each in objects:
        for name in each:
            names.setdefault(name, len(names))
        if len(names) > MAX_COLUMNS:
            raise JobRefused(f"Its objects have more than {MAX_COLUMNS:,} names; at most that many can be read.")
    if not names:
        raise JobRefused("There is no table in it: no object has a name.")
    columns = column_names([as_storable_text(name) for name in names], notes)
    table = RawTable(columns, iter(()), [set() for _ in columns], notes)
    table.rows = _rows(table, objects, list(names))
    return table


def _rows(table: RawTable, objects: list[dict[str, Any]], names: list[str]) -> Iterator[Row]:
    changed = 0
    for each in objects:
        row: list[str] = []
        for name, kinds in zip(names, table.kinds, strict=True):
            kind, cell = _cell(each.get(name))
            if kind is not None:
                kinds.add(kind)
            if cell is None:
                row.append(EMPTY)
                continue
            storable = as_storable_text(cell)
            changed += storable != cell
            row.append(with_line_feeds(storable))
        yield row
    if changed:
        table.notes.append(f"{changed} cells have characters that cannot be stored, replaced by ? or \ufffd.")


def _cell(value: Any) -> tuple[CellKind | None, str | None]:
    match value:
        case None:
            return None, None
        case bool():
            return "boolean", "true" if value else "false"
        case _WrittenNumber():
            return "number", value
        case str():
            return "text", value
    try:
        return "json", json.dumps(_plain(value), ensure_ascii=False)
    except RecursionError:
        raise JobRefused("Its values are nested too deeply.") from None


def _plain(value: Any) -> Any:
    """The value with its numbers as numbers."""
    match value:
        case _WrittenNumber():
            return json.loads(value)
        case list():
            return [_plain(each) for each in value]
        case dict():
            return {name: _plain(each) for name, each in value.items()}
    return value


def _parsed(text: str) -> Any:
    return json.loads(
        text,
        object_pairs_hook=unique_object,
        parse_float=_WrittenNumber,
        parse_int=_WrittenNumber,
        parse_constant=_WrittenNumber,
    )


def _list(text: str) -> list[dict[str, Any]]:
    try:
        value = _parsed(text)
    except DuplicateName as error:
        raise JobRefused(f"{error}.") from None
    except ValueError as error:
        try:
            return list(_lines(text))
        except JobRefused:
            raise JobRefused(f"It is not JSON: {error}.") from None
    if isinstance(value, dict):
        raise JobRefused(
            f"There is no table in it: it is one object, not a list of objects. Its names: {_names(value)}."
        )
    if not isinstance(value, list):
        raise JobRefused("There is no table in it: it is not a list of objects.")
    for place, each in enumerate(value, 1):
        if not isinstance(each, dict):
            raise JobRefused(f"There is no table in it: element {place} of the list is not an object.")
    return value


def _names(value: dict[str, Any]) -> str:
    return as_storable_text(", ".join(list(value)[:20]))[:500]


def _lines(text: str) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            value = _parsed(line)
        except ValueError as error:
            raise JobRefused(f"Line {number} is not JSON: {error}.") from None
        if not isinstance(value, dict):
            raise JobRefused(f"Line {number} is not an object.")
        yield value
