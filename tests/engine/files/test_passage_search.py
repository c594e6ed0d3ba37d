"""The search finds passages by their words, in every script, the best one first; `tests/scale_out` asks Postgres."""

import pytest
from django.contrib.auth.models import User

from runs.agent.files.extraction import Extraction
from runs.agent.files.ranking import words_to_search
from runs.agent.files.word_forms import forms_of_word
from runs.engine.files.passage_search import search_all_words, search_passages
from runs.engine.files.uploads import add_passages
from runs.models import StoredFile
from tests.engine.files.search_cases import CASES, COMPLETE, DOCUMENTS, store

pytestmark = pytest.mark.django_db


@pytest.fixture
def documents() -> None:
    store(User.objects.create_user("ada"))


@pytest.mark.parametrize(("query", "names"), CASES.items())
def test_a_query_finds_its_documents_best_first(documents: None, query: str, names: list[str]) -> None:
    found = search_passages(StoredFile.objects.all(), query, most=10)
    assert [passage.file.name for passage, _ in found][: len(names)] == names
    assert names or not found


@pytest.mark.parametrize(("query", "names"), COMPLETE.items())
def test_a_complete_search_finds_all_that_have_all_the_words_and_counts_them(
    documents: None, query: str, names: list[str]
) -> None:
    words = [forms_of_word(word) for word in words_to_search(query)]
    found, total = search_all_words(StoredFile.objects.all(), words, most=10)
    assert sorted(passage.file.name for passage, _ in found) == names
    assert total == len(names)
    assert search_all_words(StoredFile.objects.all(), words, most=1)[1] == len(names)


@pytest.mark.parametrize(("rows", "total"), [(100, 102), (400, 402)])
def test_the_best_of_each_file_comes_first_and_all_are_counted(documents: None, rows: int, total: int) -> None:
    table = StoredFile.objects.create(name="table.csv", size=1, state=StoredFile.State.READY)
    add_passages(table, Extraction([(f"line {number}", "days") for number in range(rows)]))
    files = StoredFile.objects.exclude(name="refunds.txt")
    found, number = search_all_words(files, [frozenset({"DAYS"})], most=3)
    names = [passage.file.name for passage, _ in found]
    assert number == total
    # Of more than 300 passages the database's order decides which are ranked.
    assert rows > 300 or {*names} == {"table.csv", "shipping.txt", "holidays.txt"}


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
