"""A table as `describe_table` has told it: its columns are found by the words of a user."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from runs.agent.json_data.json_types import JsonMapping
from runs.agent.providers.offline.goals import TaskRefused
from runs.agent.providers.offline.table_sources import TableSource, Words

_NUMBERS: Final = ("BIGINT", "HUGEINT", "DOUBLE", "DECIMAL")
_LIKENESS: Final = 0.7
"""Of a misspelt name, from 0 to 1."""


@dataclass(frozen=True, slots=True)
class DescribedTable:
    """A described table."""

    file: str
    name: str
    rows: int
    columns: Sequence[JsonMapping]

    @classmethod
    def of(cls, described: JsonMapping, source: TableSource) -> "DescribedTable":
        """The table of a description. Raises `TaskRefused` if it leaves open which sheet is meant."""
        check_sheet(described, source)
        if described.get("more_columns"):
            raise TaskRefused(f"{described['file']} has more columns than I look at")
        return cls(described["file"], described["table"], described["rows"], described["columns"])

    def column(self, words: Words) -> JsonMapping:
        """The only column of that name. Raises `TaskRefused`."""
        found = self.columns_like(words)
        if len(found) == 1:
            return found[0]
        names = [str(each["name"]) for each in self.columns]
        problem = "several columns" if found else "no column"
        hint = "" if found else _hint(" ".join(words), names)
        told = f"{hint}its columns are: {', '.join(names[:20])}"
        raise TaskRefused(f"{self.file} has {problem} “{' '.join(words)[:60]}”; {told}")

    def columns_like(self, words: Words) -> list[JsonMapping]:
        """The columns of exactly that name; else of that name in the plural or singular."""
        wanted = " ".join(words)
        exact = [each for each in self.columns if _plain(str(each["name"])) == _plain(wanted)]
        return exact or [each for each in self.columns if name_forms(str(each["name"])) & name_forms(wanted)]

    def is_key(self, column: JsonMapping) -> bool:
        """True if each row has its own value of the column."""
        return bool(column["distinct"] == self.rows and not column["empty"])

    def only(self, *types: str) -> JsonMapping | None:
        """The only column of one of these types; None if there are several or none."""
        found = [each for each in self.columns if str(each["type"]).startswith(types)]
        return found[0] if len(found) == 1 else None

    def check_number(self, column: JsonMapping) -> None:
        """Raises `TaskRefused` for a column without numbers."""
        if not is_number(column):
            why = f": {column['note']}" if "note" in column else ""
            raise TaskRefused(f"the column {column['name']} of {self.file} has no numbers{why}")


def check_sheet(described: JsonMapping, source: TableSource) -> None:
    """Raises `TaskRefused`, which names the sheets, if the workbook has several and none was named."""
    sheets = described.get("sheets")
    if sheets and not source.sheet:
        told = ", ".join(f"“{each}”" for each in sheets[:20])
        example = f"say, for example, in sheet {sheets[-1][:60]} of {source.file}"
        raise TaskRefused(f"{source.file} has several sheets, and I do not know which one is meant: {told}; {example}")


def is_number(column: JsonMapping) -> bool:
    """True for a column of numbers."""
    return str(column["type"]).startswith(_NUMBERS)


def name_forms(name: str) -> set[str]:
    """The name, and what may be its singular."""
    plain = _plain(name)
    forms = {plain}
    if plain.endswith("ies"):
        forms.add(f"{plain[:-3]}y")
    if plain.endswith("es"):
        forms.add(plain[:-2])
    if plain.endswith("s"):
        forms.add(plain[:-1])
    return forms


def _plain(name: str) -> str:
    return " ".join(name.casefold().replace("_", " ").replace("-", " ").split())


def _hint(wanted: str, names: Sequence[str]) -> str:
    plain = {_plain(name[:100]): name for name in names[:400]}
    near = difflib.get_close_matches(_plain(wanted[:100]), list(plain), n=1, cutoff=_LIKENESS)
    return f"did you mean {plain[near[0]]}? " if near else ""


def identifier(name: Any) -> str:
    """The name in SQL."""
    return '"' + str(name).replace('"', '""') + '"'


def literal(text: str) -> str:
    """The text in SQL."""
    return "'" + text.replace("'", "''") + "'"
