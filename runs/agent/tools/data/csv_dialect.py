"""How a text file separates and quotes its cells: found with certainty, or refused."""

import csv
import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runs.agent.sandbox.refusal import JobRefused

SAMPLE_RECORDS: Final = 200
_SAMPLE_CHARACTERS: Final = 1 << 20
DELIMITERS: Final = (",", ";", "\t", "|")
_OTHER_COLUMNS: Final = "Its first line has other columns than the lines below"
_NAMES: Final = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A text file with a table, and how to read it."""

    path: Path
    encoding: str
    delimiter: str
    quote: str = '"'
    has_escapes: bool = False
    r"""True if a quotation mark in a cell is written `\"` and not `""`."""
    skipped_lines: int = 0
    """Lines before the first record."""

    def records(self) -> Iterator[list[str]]:
        """The cells of each line that is not empty. Raises `JobRefused` with the number of the line."""
        # All line ends become LF, also inside of quotation marks.
        with self.path.open(encoding=self.encoding) as file:
            for _ in range(self.skipped_lines):
                file.readline()
            reader = csv.reader(
                file,
                delimiter=self.delimiter,
                quotechar=self.quote,
                doublequote=not self.has_escapes,
                escapechar="\\" if self.has_escapes else None,
                strict=True,
            )
            try:
                yield from filter(None, reader)
            except csv.Error as error:
                raise JobRefused(f"Line {reader.line_num + self.skipped_lines}: {_fault(error)}") from None


def _fault(error: csv.Error) -> str:
    words = str(error)
    if "unexpected end" in words:
        return "the file ends inside a quotation mark that was opened before."
    if "field limit" in words:
        return "a cell is longer than a million characters. Is a quotation mark not closed?"
    if "expected after" in words:
        return "something follows a closing quotation mark. A mark inside a cell is written twice."
    return f"{words}."


def read_dialect(path: Path, encoding: str, *, delimiter: str | None) -> CsvFile:
    """The file with the delimiter and quotes that fit all of its first records.

    `delimiter` is given for types that have only one. Raises `JobRefused` if none fits, or several do.
    """
    with path.open(encoding=encoding) as file:
        sample = file.read(_SAMPLE_CHARACTERS)
    first_line = sample.partition("\n")[0].strip()
    skipped = 0
    if len(first_line) == len("sep=;") and first_line.casefold().startswith("sep="):
        delimiter, skipped = first_line[-1], 1  # Excel's own line
    refused: list[JobRefused] = []
    for quote, has_escapes in _quotes(first_line, may_have_escapes='\\"' in sample):
        candidates = [
            CsvFile(path, encoding, each, quote, has_escapes, skipped)
            for each in ([delimiter] if delimiter else DELIMITERS)
        ]
        try:
            return _fitting(candidates)
        except JobRefused as reason:
            refused.append(reason)
    raise refused[0]


def _quotes(first_line: str, *, may_have_escapes: bool) -> Iterator[tuple[str, bool]]:
    """Quotation marks to try, and whether they are escaped by a backslash."""
    if len(first_line) > 1 and first_line[0] == first_line[-1] == "'":
        yield "'", False
    yield '"', False
    if may_have_escapes:
        yield '"', True


def _fitting(candidates: list[CsvFile]) -> CsvFile:
    """The one candidate whose records have as many cells as the first one. Raises `JobRefused`."""
    counts, fault = _counts(candidates)
    if fault is not None and (not counts or len(candidates) == 1):
        raise fault
    if not any(counts.values()):
        raise JobRefused("The file is empty.")
    if len(candidates) == 1:
        return candidates[0]
    # All records agree; else most agree with the first.
    even = [each for each, of_each in counts.items() if of_each[0] > 1 and len(set(of_each)) == 1]
    most = [each for each, of_each in counts.items() if of_each[0] > 1 and of_each.count(of_each[0]) * 2 > len(of_each)]
    for fitting in (even, most):
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            names = " or ".join(_NAMES[each.delimiter] for each in fitting)
            raise JobRefused(f"Its cells may be separated by {names}. Save it with one of them, and text in quotes.")
    if all(set(of_each) == {1} for of_each in counts.values()) and fault is None:
        return candidates[0]  # one column
    splitting = [(each, of_each) for each, of_each in counts.items() if max(of_each) > 1]
    if fault is not None or len(splitting) != 1:
        raise fault or JobRefused(f"{_OTHER_COLUMNS}. Put the names of all columns there.")
    return _uneven(*splitting[0])


def _uneven(file: CsvFile, widths: list[int]) -> CsvFile:
    """The file whose records are of different lengths, separated by what nothing else could be: rows may be shorter,
    and some longer, than the first line. Raises `JobRefused` if most agree on other columns than it has."""
    [(common, times)] = Counter(widths[1:]).most_common(1) or [(widths[0], 1)]
    is_longest = widths[0] == max(widths)
    if widths[0] > 1 and (is_longest or times * 2 <= len(widths) - 1):
        return file
    told = f"{_OTHER_COLUMNS}: {widths[0]}, and {times} of {len(widths) - 1} lines have {common}"
    raise JobRefused(f"{told}. Put the names of all columns there.")


def _counts(candidates: list[CsvFile]) -> tuple[dict[CsvFile, list[int]], JobRefused | None]:
    """The numbers of cells of the first records as each candidate reads them, and what one cannot read."""
    counts: dict[CsvFile, list[int]] = {}
    fault: JobRefused | None = None
    for each in candidates:
        try:
            counts[each] = [len(record) for record in itertools.islice(each.records(), SAMPLE_RECORDS)]
        except JobRefused as refused:
            fault = fault or refused
    return counts, fault
