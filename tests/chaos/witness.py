"""Questions to the witness."""

from collections import defaultdict
from collections.abc import Sequence

from tests.chaos.evidence import Witnessed


def overlaps(lines: Sequence[Witnessed]) -> set[str]:
    """The calls that two processes executed at the same time."""
    inside: dict[str, set[int]] = defaultdict(set)
    found = set()
    for line in sorted(lines, key=lambda line: line.at):
        if line.event == "end":
            inside[line.call].discard(line.pid)
            continue
        if inside[line.call] - {line.pid}:
            found.add(line.call)
        inside[line.call].add(line.pid)
    return found
