"""The search for words in the steps of one run. Bounded in time.

Steps are read in order, some at a time, until all are read or the time is over. The result says how far it came, and
the next search goes on from there: no search holds a request, however long the run is.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from django.db.models.functions import Left, Length
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from runs.live.rendering.step_lines import name_of
from runs.markdown import visible
from runs.models import Run, Step
from runs.text_search import folded, mentions, place_of
from runs.web.access import PageRequest, run_or_404, signed_in

SEARCH_S: Final = 0.2
"""After this long no further step is looked at."""
MOST_SHOWN: Final = 50
"""Found steps that one page shows; the others are counted."""
ROWS_AT_ONCE: Final = 500
CHARS_AT_ONCE: Final = 1_000_000
"""Steps are read together up to this many characters of text, at least one."""
MOST_CHARS: Final = 1024 * 1024
"""Characters at the start of one step's text that are searched."""
BEFORE_CHARS, AFTER_CHARS = 40, 120
"""Characters of the text around the words."""
_TEXT: Final = Left("content", MOST_CHARS)


@dataclass(frozen=True, slots=True)
class FoundStep:
    """A step that mentions the words, with its text around them."""

    sequence: int
    name: str
    before: str
    words: str
    """Empty if only the name mentions them."""
    after: str


@dataclass(slots=True)
class StepSearch:
    """What a search found."""

    words: str
    start: int = 0
    """The sequence after which it began to read."""
    found: list[FoundStep] = field(default_factory=list)
    count: int = 0
    read: int = 0
    """The last sequence that was read."""
    is_cut: bool = False
    """True if the time was over before the last step."""

    @property
    def goes_on_after(self) -> int:
        """The sequence after which the next page of results begins; 0 if there is none."""
        if self.count > len(self.found):
            return self.found[-1].sequence
        return self.read if self.is_cut else 0


@require_safe
@signed_in
def search_run(request: PageRequest, run_id: UUID) -> HttpResponse:
    """Show which steps of a run mention the words `q`, after the sequence `after`."""
    run = run_or_404(request, run_id)
    after = request.GET.get("after", "")
    start = int(after) if after.isascii() and after.isdecimal() and len(after) <= 9 else 0
    context = {"run": run, "search": search_steps(run, request.GET.get("q", ""), after=start)}
    template = "runs/partials/found_steps.html" if request.htmx else "runs/found_steps.html"
    return render(request, template, context)


def search_steps(run: Run, text: str, *, after: int = 0) -> StepSearch:
    """The steps after a sequence that mention the text, in their names or their texts."""
    words, ends_at = folded(text.strip()[:500]), time.monotonic() + SEARCH_S
    search = StepSearch(text.strip()[:500], after, read=after)
    if not words:
        return search
    for row in _rows(run, after):
        _look_at(row, words, search)
        if time.monotonic() >= ends_at:
            search.is_cut = search.read < run.last_sequence
            break
    return search


def _rows(run: Run, after: int) -> Iterator[tuple[int, str, str, str]]:
    """Sequence, kind, name of the tool, and text of the steps after a sequence."""
    while last := _last_at_once(run, after):
        steps = run.steps.filter(sequence__gt=after, sequence__lte=last).order_by("sequence")
        yield from list(steps.values_list("sequence", "kind", "tool_name", _TEXT))
        after = last


def _last_at_once(run: Run, after: int) -> int:
    """The last of the steps after a sequence that are read together; 0 if there are none."""
    steps = run.steps.filter(sequence__gt=after).order_by("sequence")
    last = chars = 0
    for sequence, length in steps.values_list("sequence", Length(_TEXT))[:ROWS_AT_ONCE]:
        chars += length
        if last and chars > CHARS_AT_ONCE:
            break
        last = sequence
    return last


def _look_at(row: Any, words: str, search: StepSearch) -> None:
    sequence, kind, tool_name, content = row
    search.read = sequence
    in_text = mentions(content, words)
    if not in_text and not mentions(tool_name, words):
        return
    search.count += 1
    if len(search.found) < MOST_SHOWN:
        name = name_of(Step(kind=kind, tool_name=tool_name))
        search.found.append(FoundStep(sequence, name, *_around(content, words if in_text else "")))


def _around(text: str, words: str) -> tuple[str, str, str]:
    """The text before the words, the words as they are written there, and what follows; no words if their place is
    not exact."""
    at = place_of(text, words) if words else 0
    end = at + len(words)
    if folded(text[at:end]) != words or not words:
        end = at
    start = max(0, at - BEFORE_CHARS)
    before = f"{'…' if start else ''}{text[start:at]}"
    after = f"{text[end : end + AFTER_CHARS]}{'…' if end + AFTER_CHARS < len(text) else ''}"
    return visible(_one_line(before)), visible(text[at:end]), visible(_one_line(after))


def _one_line(text: str) -> str:
    """With single spaces; one stays at an end that had some."""
    line = " ".join(text.split())
    return f"{' ' if text[:1].isspace() else ''}{line}{' ' if line and text[-1:].isspace() else ''}"
