"""Full-text search over passages: the database's index chooses candidates, `ranking` orders them.

SQLite has an FTS5 table beside the passages, Postgres a generated `tsvector` column (migration 0021). Both find
passages with any word of the query, or with a word that begins with its stem; or, for a complete search, passages that
have all words in one of their forms.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from runs.agent.files.ranking import Query, scores
from runs.models import DocumentPassage, StoredFile

CANDIDATES: Final = 300
"""How many passages are ranked, the best of the database's own order."""
USUAL_WORDS: Final = 200
"""Words of a usual passage: what keeps a title of two words from always being the best."""
# Not IN, for which SQLite lists all the files first: so it looks at those of the best passages only.
_SQLITE: Final = (
    "SELECT p.id, p.file_id, p.words FROM runs_passage_words w JOIN runs_documentpassage p ON p.id = w.rowid"
    " WHERE runs_passage_words MATCH %s AND EXISTS (SELECT 1 FROM ({files}) f WHERE f.pk = p.file_id)"
    " ORDER BY w.rank LIMIT %s"
)
_SQLITE_NUMBER: Final = (
    "SELECT count(*) FROM runs_passage_words w JOIN runs_documentpassage p ON p.id = w.rowid"
    " WHERE runs_passage_words MATCH %s AND EXISTS (SELECT 1 FROM ({files}) f WHERE f.pk = p.file_id)"
)
_POSTGRES_NUMBER: Final = (
    "SELECT count(*) FROM runs_documentpassage p WHERE p.search @@ %s::tsquery"
    " AND EXISTS (SELECT 1 FROM ({files}) f WHERE f.pk = p.file_id)"
)
# Materialized, so that the words choose the passages also where the server has no statistics of the files.
_POSTGRES: Final = (
    "WITH p AS MATERIALIZED (SELECT id, file_id, words, ts_rank(search, %s::tsquery) AS rank"
    " FROM runs_documentpassage WHERE search @@ %s::tsquery)"
    " SELECT p.id, p.file_id, p.words FROM p WHERE EXISTS (SELECT 1 FROM ({files}) f WHERE f.pk = p.file_id)"
    " ORDER BY p.rank DESC LIMIT %s"
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
    found = _candidates(files, match)
    ranked = zip(found, scores(query, [each.words for each in found]), strict=True)
    return _loaded(sorted((each for each in ranked if each[1] > 0), key=_worst_last)[:most])


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
    found = _candidates(files, match)
    total = len(found) if len(found) < CANDIDATES else _number(files, match)
    wanted = frozenset().union(*words)
    best = sorted(((each, _density(each.words.split(" "), wanted)) for each in found), key=_worst_last)
    of_file: Counter[UUID | str] = Counter()
    placed = []
    for each in best:
        of_file[each[0].file_id] += 1
        placed.append((of_file[each[0].file_id], each))
    return _loaded([each for _, each in sorted(placed, key=lambda pair: pair[0])][:most]), total


def _density(words: Sequence[str], wanted: frozenset[str]) -> float:
    return sum(word in wanted for word in words) / (len(words) + USUAL_WORDS)


def _number(files: QuerySet[StoredFile], match: str) -> int:
    inner, parameters = files.order_by().values("pk").query.sql_with_params()
    template = _POSTGRES_NUMBER if connection.vendor == "postgresql" else _SQLITE_NUMBER
    with connection.cursor() as cursor:
        cursor.execute(template.format(files=inner), [match, *parameters])
        number: int = cursor.fetchone()[0]
    return number


class _Candidate(NamedTuple):
    """What is ranked of a passage. The passages themselves are read of the best ones only."""

    pk: int
    file_id: UUID | str
    words: str


def _worst_last(scored: tuple[_Candidate, float]) -> float:
    return -scored[1]


def _loaded(best: Sequence[tuple[_Candidate, float]]) -> list[tuple[DocumentPassage, float]]:
    """Those that are still there."""
    passages = DocumentPassage.objects.select_related("file").in_bulk([each.pk for each, _ in best])
    return [(passages[each.pk], score) for each, score in best if each.pk in passages]


def _candidates(files: QuerySet[StoredFile], match: str) -> list[_Candidate]:
    """In the order of their ids."""
    inner, parameters = files.order_by().values("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_POSTGRES.format(files=inner), [match, match, *parameters, CANDIDATES])
        else:
            cursor.execute(_SQLITE.format(files=inner), [match, *parameters, CANDIDATES])
        return sorted(map(_Candidate._make, cursor.fetchall()))
