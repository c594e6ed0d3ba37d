"""Full-text search over passages: the database's index chooses candidates, `ranking` orders them.

SQLite has an FTS5 table beside the passages, Postgres a generated `tsvector` column (migration 0021). Both find
passages with any word of the query, or with a word that begins with its stem; or, for a complete search, passages that
have all words in one of their forms.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from runs.agent.files.ranking import Query, scores
from runs.models import DocumentPassage, StoredFile

CANDIDATES: Final = 300
"""How many passages are ranked, the best of the database's own order."""
USUAL_WORDS: Final = 200
"""Words of a usual passage: what keeps a title of two words from always being the best."""
_SQLITE: Final = (
    "SELECT p.id FROM runs_passage_words w JOIN runs_documentpassage p ON p.id = w.rowid"
    " WHERE runs_passage_words MATCH %s AND p.file_id IN ({files}) ORDER BY w.rank LIMIT %s"
)
_SQLITE_NUMBER: Final = (
    "SELECT count(*) FROM runs_passage_words w JOIN runs_documentpassage p ON p.id = w.rowid"
    " WHERE runs_passage_words MATCH %s AND p.file_id IN ({files})"
)
_POSTGRES_NUMBER: Final = (
    "SELECT count(*) FROM runs_documentpassage p WHERE p.search @@ %s::tsquery AND p.file_id IN ({files})"
)
_POSTGRES: Final = (
    "SELECT p.id FROM runs_documentpassage p WHERE p.search @@ %s::tsquery AND p.file_id IN ({files})"
    " ORDER BY ts_rank(p.search, %s::tsquery) DESC LIMIT %s"
)


def search_passages(files: QuerySet[StoredFile], text: str, *, most: int) -> list[tuple[DocumentPassage, float]]:
    """The best passages of these files for a query, with their scores, best first."""
    query = Query.of(text)
    if not query.words:
        return []
    # Words are letters, digits and marks only (`search_words`): nothing in them has a meaning in either language.
    if connection.vendor == "postgresql":
        match = " | ".join(f"'{stem}':*" for stem in query.stems)
    else:
        match = " OR ".join(f'"{stem}"*' for stem in query.stems)
    return [each for each in _ranked(_candidates(files, match), query) if each[1] > 0][:most]


def search_all_words(
    files: QuerySet[StoredFile], words: Sequence[frozenset[str]], *, most: int
) -> tuple[list[tuple[DocumentPassage, float]], int]:
    """The passages of these files that have all the words, each in one of its forms, and how many there are.

    The best one of each file comes first, then the second of each: one long table does not hide the other documents.
    """
    if not words:
        return [], 0
    either, both = (" | ", " & ") if connection.vendor == "postgresql" else (" OR ", " AND ")
    mark = "'" if connection.vendor == "postgresql" else '"'
    match = both.join(f"({either.join(f'{mark}{form}{mark}' for form in sorted(forms))})" for forms in words)
    ids = _candidates(files, match)
    total = len(ids) if len(ids) < CANDIDATES else _number(files, match)
    wanted = frozenset().union(*words)
    found = [(each, _density(each.words.split(" "), wanted)) for each in _passages(ids)]
    best = sorted(found, key=lambda each: -each[1])
    of_file: Counter[UUID] = Counter()
    placed = []
    for each in best:
        of_file[each[0].file_id] += 1
        placed.append((of_file[each[0].file_id], each))
    return [each for _, each in sorted(placed, key=lambda pair: pair[0])][:most], total


def _density(words: Sequence[str], wanted: frozenset[str]) -> float:
    return sum(word in wanted for word in words) / (len(words) + USUAL_WORDS)


def _ranked(ids: Sequence[int], query: Query) -> list[tuple[DocumentPassage, float]]:
    found = _passages(ids)
    ranked = zip(found, scores(query, [each.words.split(" ") for each in found]), strict=True)
    return sorted(ranked, key=lambda each: -each[1])


def _passages(ids: Sequence[int]) -> list[DocumentPassage]:
    return list(DocumentPassage.objects.select_related("file").filter(pk__in=ids).order_by("pk"))


def _number(files: QuerySet[StoredFile], match: str) -> int:
    inner, parameters = files.order_by().values("pk").query.sql_with_params()
    template = _POSTGRES_NUMBER if connection.vendor == "postgresql" else _SQLITE_NUMBER
    with connection.cursor() as cursor:
        cursor.execute(template.format(files=inner), [match, *parameters])
        number: int = cursor.fetchone()[0]
    return number


def _candidates(files: QuerySet[StoredFile], match: str) -> list[int]:
    inner, parameters = files.order_by().values("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_POSTGRES.format(files=inner), [match, *parameters, match, CANDIDATES])
        else:
            cursor.execute(_SQLITE.format(files=inner), [match, *parameters, CANDIDATES])
        return [row[0] for row in cursor.fetchall()]
