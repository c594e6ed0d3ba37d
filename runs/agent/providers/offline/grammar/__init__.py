"""The grammar of the planner: one module per topic, tried in the order of this table."""

from collections.abc import Sequence
from dataclasses import dataclass

from runs.agent.providers.offline.goals import Clause, ClauseReader, Goal, TaskRefused
from runs.agent.providers.offline.grammar.arithmetic import read_arithmetic
from runs.agent.providers.offline.grammar.clock import read_clock
from runs.agent.providers.offline.grammar.dates import read_dates
from runs.agent.providers.offline.grammar.documents import read_documents
from runs.agent.providers.offline.grammar.tables import read_only_table, read_only_view, read_tables
from runs.agent.providers.offline.grammar.texts import read_texts
from runs.agent.providers.offline.grammar.units import read_units


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic of the grammar, with the examples shown to users."""

    name: str
    read: ClauseReader
    tool_names: frozenset[str]
    examples: tuple[str, ...]


TOPICS = (
    Topic(
        "Text",
        read_texts,
        frozenset({"text_stats"}),
        ("Count the words in 'the quick brown fox'", 'How many characters are in "naïve café"?'),
    ),
    Topic(
        "Tables",
        read_tables,
        frozenset({"describe_table", "query_table"}),
        (
            "Total amount by region in sales.csv",
            "How many orders over 100 are in sales.csv?",
            "Describe sales.csv",
        ),
    ),
    Topic(
        "Time",
        read_clock,
        frozenset({"current_time"}),
        ("What time is it in Tokyo?", "What is today's date?"),
    ),
    Topic(
        "Dates",
        read_dates,
        frozenset({"date_math"}),
        ("What date is 45 days after 2026-11-22?", "How many days between 2026-01-01 and 2026-12-25?"),
    ),
    Topic(
        "Units",
        read_units,
        frozenset({"convert_units"}),
        ("Convert 72 degF to degC", "How many feet are in 2 meters?"),
    ),
    Topic(
        "Arithmetic",
        read_arithmetic,
        frozenset({"calculator"}),
        ("What is 17 * 23 and what is 2**10?", "What is 15% of 240, then add 10 to the result"),
    ),
    Topic(
        "Documents",
        read_documents,
        frozenset({"search_documents", "read_file"}),
        ("What do the documents say about refunds?", "Which documents mention invoices?"),
    ),
)
"""The order decides where several topics match: 2026-12-25 is a date rather than a subtraction."""


def read_clause(clause: Clause, earlier: Sequence[Goal]) -> tuple[Goal, ...] | None:
    """The goals of a clause by the first matching topic, or about the only table; None if none matches. Raises
    `TaskRefused`."""
    try:
        for topic in TOPICS:
            if goals := topic.read(clause, earlier):
                return goals
    except TaskRefused:
        if goals := read_only_view(clause, earlier):
            return goals
        raise
    return read_only_table(clause, earlier)
