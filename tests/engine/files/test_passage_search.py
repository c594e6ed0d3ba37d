"""The search finds passages by their words, in every script, the best one first; `tests/scale_out` asks Postgres."""

import pytest
from django.contrib.auth.models import User

from runs.engine.files.passage_search import search_passages
from runs.models import StoredFile
from tests.engine.files.search_cases import CASES, DOCUMENTS, store

pytestmark = pytest.mark.django_db


@pytest.fixture
def documents() -> None:
    store(User.objects.create_user("ada"))


@pytest.mark.parametrize(("query", "names"), CASES.items())
def test_a_query_finds_its_documents_best_first(documents: None, query: str, names: list[str]) -> None:
    found = search_passages(StoredFile.objects.all(), query, most=10)
    assert [passage.file.name for passage, _ in found][: len(names)] == names
    assert names or not found


def test_only_the_files_asked_for_are_searched(documents: None) -> None:
    some = StoredFile.objects.filter(name="refunds.txt")
    assert {passage.file.name for passage, _ in search_passages(some, "days", most=10)} == {"refunds.txt"}


def test_a_deleted_document_is_not_found(documents: None) -> None:
    StoredFile.objects.filter(name="refunds.txt").delete()
    names = {passage.file.name for passage, _ in search_passages(StoredFile.objects.all(), "refund", most=10)}
    assert "refunds.txt" not in names


@pytest.mark.parametrize(
    "query", ['"', "'", "*", "NEAR(", "a AND", "-x", "OR OR", "words:x", "\0", "\ud800", "(" * 1000]
)
def test_no_character_of_a_query_has_a_meaning(documents: None, query: str) -> None:
    search_passages(StoredFile.objects.all(), query, most=10)


def test_every_document_is_there(documents: None) -> None:
    assert StoredFile.objects.count() == len(DOCUMENTS)
