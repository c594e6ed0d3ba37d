"""Full-text search over passages: the database's index chooses candidates, `ranking` orders them.

SQLite has an FTS5 table beside the passages, Postgres a generated `tsvector` column (migration 0021). Both find
passages with any word of the query, or with a word that begins with its stem.
"""

from typing import Final

from django.db import connection
from django.db.models import QuerySet

from runs.agent.files.ranking import Query, scores
from runs.models import DocumentPassage, StoredFile

CANDIDATES: Final = 300
"""How many passages are ranked, the best of the database's own order."""
_SQLITE: Final = (
    "SELECT p.id FROM runs_passage_words w JOIN runs_documentpassage p ON p.id = w.rowid"
    " WHERE runs_passage_words MATCH %s AND p.file_id IN ({files}) ORDER BY w.rank LIMIT %s"
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
    ids = _candidates(files, query)
    found = list(DocumentPassage.objects.select_related("file").filter(pk__in=ids).order_by("pk"))
    ranked = zip(found, scores(query, [each.words.split(" ") for each in found]), strict=True)
    return sorted((each for each in ranked if each[1] > 0), key=lambda each: -each[1])[:most]


def _candidates(files: QuerySet[StoredFile], query: Query) -> list[int]:
    # Words are letters, digits and marks only (`search_words`): nothing in them has a meaning in either language.
    inner, parameters = files.order_by().values("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            match = " | ".join(f"'{stem}':*" for stem in query.stems)
            cursor.execute(_POSTGRES.format(files=inner), [match, *parameters, match, CANDIDATES])
        else:
            match = " OR ".join(f'"{stem}"*' for stem in query.stems)
            cursor.execute(_SQLITE.format(files=inner), [match, *parameters, CANDIDATES])
        return [row[0] for row in cursor.fetchall()]
