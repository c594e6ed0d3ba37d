"""Libraries: made, filled, read by agents, deleted; only by people who may change agents."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from runs.engine.files import deletion
from runs.models import Agent, DocumentPassage, FileChunk, Library, StoredFile
from tests.web.test_files import upload

pytestmark = pytest.mark.django_db
BrowserOf = Callable[[User], Client]


@pytest.fixture
def browser(browser_of: BrowserOf) -> Client:
    return browser_of(User.objects.create_superuser("root"))


@pytest.fixture
def library() -> Library:
    return Library.objects.create(name="handbook")


def test_a_library_is_made_and_its_name_is_its_own(browser: Client) -> None:
    made = browser.post("/libraries/", {"name": "handbook", "description": "How we work"})
    assert made.status_code == 302
    assert "How we work" in browser.get("/libraries/").content.decode()
    again = browser.post("/libraries/", {"name": "handbook"})
    assert again.status_code == 422
    assert "Another library has this name." in again.content.decode()


def test_documents_are_added_in_pieces_and_with_the_form(browser: Client, library: Library) -> None:
    begun = browser.post("/files/", {"name": "a.txt", "size": 4, "library": library.pk}).json()
    browser.post(f"{begun['url']}content/?offset=0", b"text", content_type="application/octet-stream")
    browser.post(library.get_absolute_url(), {"upload": SimpleUploadedFile("b.md", b"# B")})
    page = browser.get(library.get_absolute_url()).content.decode()
    assert "a.txt" in page
    assert "b.md" in page
    assert "2 documents" in browser.get("/libraries/").content.decode()


def test_a_refused_document_says_why(browser: Client, library: Library) -> None:
    response = browser.post(library.get_absolute_url(), {"upload": SimpleUploadedFile("a.exe", b"MZ")})
    assert response.status_code == 422
    assert "Files of this type are not taken" in response.content.decode()


def test_a_document_is_deleted_and_a_second_time_nothing_happens(browser: Client, library: Library) -> None:
    browser.post(library.get_absolute_url(), {"upload": SimpleUploadedFile("b.md", b"# B")})
    url = f"{library.get_absolute_url()}documents/{library.documents.get().pk}/delete/"
    assert [browser.post(url).status_code for _ in range(2)] == [302, 302]
    assert not StoredFile.objects.exists()


@pytest.mark.parametrize("what", ["", "documents/{pk}/"], ids=["library", "document"])
def test_large_documents_are_deleted_in_short_transactions(browser: Client, library: Library, what: str) -> None:
    file = StoredFile.objects.create(name="a.pdf", size=50, library=library, state="ready")
    FileChunk.objects.bulk_create(FileChunk(file=file, offset=n, content=b"x") for n in range(50))
    rows = {"place": "page 1", "text": "word", "words": "WORD"}
    DocumentPassage.objects.bulk_create(DocumentPassage(file=file, number=n, **rows) for n in range(500))
    deleted: Counter[str] = Counter()
    longest: Counter[str] = Counter()

    def note(execute: Callable[..., Any], sql: str, parameters: Any, many: bool, context: dict[str, Any]) -> Any:
        result = execute(sql, parameters, many, context)
        if sql.startswith("DELETE FROM"):
            table, number = sql.split('"')[1], context["cursor"].rowcount
            deleted[table] += number
            longest[table] = max(longest[table], number)
        return result

    with connection.execute_wrapper(note):
        browser.post(f"{library.get_absolute_url()}{what.format(pk=file.pk)}delete/")

    assert (deleted["runs_filechunk"], deleted["runs_documentpassage"]) == (50, 500)
    assert longest["runs_filechunk"] <= 4 and longest["runs_documentpassage"] <= 200
    assert not StoredFile.objects.exists()


def test_a_library_that_an_agent_reads_is_not_deleted(browser: Client, library: Library, agent: Agent) -> None:
    agent.libraries = ["handbook"]
    agent.save()
    refused = browser.post(f"{library.get_absolute_url()}delete/")
    assert refused.status_code == 409
    assert agent.name in refused.content.decode()
    agent.libraries = []
    agent.save()
    assert browser.post(f"{library.get_absolute_url()}delete/").status_code == 302
    assert not Library.objects.exists()


def test_the_editor_of_an_agent_offers_the_libraries(browser: Client, library: Library, agent: Agent) -> None:
    form = browser.get(f"/agents/{agent.pk}/edit/").content.decode()
    assert 'name="libraries" value="handbook"' in form


def test_others_see_a_library_and_change_nothing(owner: User, browser_of: BrowserOf, library: Library) -> None:
    browser = browser_of(owner)
    page = browser.get(library.get_absolute_url())
    assert page.status_code == 200
    assert "data-files" not in page.content.decode()
    assert browser.post("/files/", {"name": "a.txt", "size": 4, "library": library.pk}).status_code == 404
    assert browser.post(library.get_absolute_url(), {"upload": SimpleUploadedFile("b.md", b"# B")}).status_code == 404
    assert upload(browser, "c.txt", b"text").status_code == 200
    assert not library.documents.exists()


def test_what_deletes_is_behind_a_second_press(browser: Client, library: Library) -> None:
    with_document(browser, library)

    page = browser.get(library.get_absolute_url()).content.decode()

    # Each button that deletes is within a part of the page that is folded.
    assert page.count("Delete for good") == page.count('<details class="delete-more">') == 2
    assert "This cannot be undone." in page


def test_a_library_that_agents_read_says_which_ones_instead(browser: Client, library: Library, agent: Agent) -> None:
    Agent.objects.filter(pk=agent.pk).update(libraries=[library.name])

    page = browser.get(library.get_absolute_url()).content.decode()

    assert "It cannot be deleted while agents have it" in page
    assert "This cannot be undone." not in page


def test_a_second_document_of_one_name_is_refused_until_the_first_is_gone(browser: Client, library: Library) -> None:
    first = with_document(browser, library)
    second = browser.post("/files/", {"name": first.name, "size": 4, "library": library.pk})

    assert second.status_code == 422
    assert f"The library has a document {first.name}. Delete it first" in second.json()["error"]
    browser.post(f"{library.get_absolute_url()}documents/{first.pk}/delete/")
    assert browser.post("/files/", {"name": first.name, "size": 4, "library": library.pk}).status_code == 201


def with_document(browser: Client, library: Library) -> StoredFile:
    """A document of the library."""
    told = browser.post("/files/", {"name": "refunds.md", "size": 4, "library": library.pk}).json()
    browser.post(f"{told['url']}content/?offset=0", b"text", content_type="application/octet-stream")
    return library.documents.get()


def test_a_library_goes_in_one_transaction_with_the_look_for_its_readers(browser: Client, library: Library) -> None:
    browser.post(library.get_absolute_url(), {"upload": SimpleUploadedFile("a.txt", b"text")})
    reader = Agent.objects.create(name="Clerk", libraries=["handbook"])

    assert [each.name for each in deletion.delete_library(library.pk)] == ["Clerk"]
    assert StoredFile.objects.get().library == library
    reader.delete()
    with CaptureQueriesContext(connection) as queries:
        assert deletion.delete_library(library.pk) == []

    assert not Library.objects.exists()
    assert not StoredFile.objects.exists()
    statements = [
        query["sql"].split(" ", 1)[0] + (" agent" if "runs_agent" in query["sql"] else "") for query in queries
    ]
    deleted = next(n for n, query in enumerate(queries) if query["sql"].startswith('DELETE FROM "runs_library"'))
    looked = statements.index("SELECT agent")
    assert "RELEASE" not in statements[looked:deleted], "The transaction has not ended between them."
