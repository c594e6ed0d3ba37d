"""A file comes in pieces and may be used once it is whole and read; what is refused leaves nothing behind."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from runs.agent.files.extraction import Extraction
from runs.agent.files.file_info import MAX_FILE_BYTES
from runs.engine.files.storage import DocumentRefused, chunks_of, content_of
from runs.engine.files.uploads import MOST_OPEN, add_passages, begin_upload, clean_name, receive
from runs.models import DocumentPassage, FileChunk, Library, StoredFile
from tests.agent.files import documents

pytestmark = pytest.mark.django_db
READY = StoredFile.State.READY


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada")


def upload(
    user: User, name: str, content: bytes, *, piece: int = 100_000, library: Library | None = None
) -> StoredFile:
    file = begin_upload(user=user, name=name, size=len(content), library=library)
    for offset in range(0, len(content), piece):
        file = receive(file.pk, user=user, offset=offset, content=content[offset : offset + piece])
    return StoredFile.objects.get(pk=file.pk)


def test_a_file_in_pieces_is_whole_and_read_at_the_end(ada: User) -> None:
    content = b"region,sum\n" + b"north,3\n" * 40_000
    file = upload(ada, "Sales.CSV", content)
    assert (file.state, file.media_type, file.name) == (READY, "text/csv", "Sales.CSV")
    assert content_of(file.pk) == content == b"".join(chunks_of(file.pk))
    assert file.passages.order_by("number")[0].place.startswith("lines 1-")


def test_a_piece_that_comes_twice_changes_nothing(ada: User) -> None:
    file = begin_upload(user=ada, name="a.txt", size=6)
    for offset, content in ((0, b"abc"), (0, b"abc"), (3, b"def"), (3, b"def"), (0, b"abc")):
        receive(file.pk, user=ada, offset=offset, content=content)
    assert content_of(file.pk) == b"abcdef"
    assert StoredFile.objects.get().state == READY


@pytest.mark.parametrize(
    ("since", "state"), [(None, READY), (timedelta(minutes=3), READY), (timedelta(0), "uploading")]
)
def test_the_last_piece_sent_again_has_a_file_read_whose_process_died(
    ada: User, since: timedelta | None, state: str
) -> None:
    file = begin_upload(user=ada, name="a.txt", size=6)
    # As a process leaves it that dies after the commit of the last piece, or while it stores the text.
    FileChunk.objects.create(file=file, offset=0, content=b"abcdef")
    reading_since = None if since is None else timezone.now() - since
    StoredFile.objects.update(received=6, reading_since=reading_since)
    DocumentPassage.objects.create(file=file, number=1, place="line 1", text="abc", words="ABC")

    told = receive(file.pk, user=ada, offset=3, content=b"def")

    assert told.state == StoredFile.objects.get().state == state
    assert [each.text for each in file.passages.all()] == ["abcdef" if state == READY else "abc"]


def test_a_process_that_was_taken_over_while_it_read_stores_nothing(ada: User) -> None:
    file = begin_upload(user=ada, name="a.txt", size=6)
    StoredFile.objects.update(reading_since=timezone.now())

    with pytest.raises(DocumentRefused, match="no longer there"):
        add_passages(file, Extraction([("line 1", "abcdef")]))

    assert not file.passages.exists()


@pytest.mark.parametrize(("offset", "content"), [(1, b"abc"), (3, b"x"), (0, b""), (0, b"1234567"), (100, b"a")])
def test_a_piece_that_does_not_fit_is_refused_and_the_upload_goes_on(ada: User, offset: int, content: bytes) -> None:
    file = begin_upload(user=ada, name="a.txt", size=6)
    with pytest.raises(DocumentRefused, match="next piece begins at byte 0 of 6"):
        receive(file.pk, user=ada, offset=offset, content=content)
    receive(file.pk, user=ada, offset=0, content=b"abcdef")
    assert content_of(file.pk) == b"abcdef"


def test_nobody_else_adds_a_piece(ada: User) -> None:
    file = begin_upload(user=ada, name="a.txt", size=6)
    with pytest.raises(StoredFile.DoesNotExist):
        receive(file.pk, user=User.objects.create_user("bob"), offset=0, content=b"abcdef")


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.csv", documents.png(), "the content is not text"),
        ("a.pdf", b"%PDF-1.4 broken", "damaged"),
        ("a.png", b"\x89PNG\r\n\x1a\n" + bytes(5 * 2**20), "larger than 5 MiB"),
        ("a.docx", documents.zipped({"x": "y"}), "not of that type"),
    ],
)
def test_a_refused_file_leaves_nothing_behind(ada: User, name: str, content: bytes, says: str) -> None:
    with pytest.raises(DocumentRefused, match=says):
        upload(ada, name, content, piece=2**19)
    assert not StoredFile.objects.exists()
    assert not FileChunk.objects.exists()


@pytest.mark.parametrize(
    ("name", "size", "says"),
    [
        ("a.csv", 0, "empty"),
        ("a.csv", MAX_FILE_BYTES + 1, "larger than 25 MiB"),
        ("a.exe", 5, "not taken"),
        (".csv", 5, "needs a name"),
        ("../..", 5, "needs a name"),
    ],
)
def test_what_cannot_be_taken_is_refused_before_it_comes(ada: User, name: str, size: int, says: str) -> None:
    with pytest.raises(DocumentRefused, match=says):
        begin_upload(user=ada, name=name, size=size)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\Users\\ada\\sales.csv", "sales.csv"),
        ("a\x00b\x1b[31m\u202egnp.txt", "ab[31mgnp.txt"),
        ("  spaced .txt ", "spaced .txt"),
        ("e\u0301.txt", "é.txt"),
        ("x" * 500 + ".csv", "x" * 197 + ".csv"),
        ("...hidden.txt", "hidden.txt"),
        ("a" + "\u0301" * 100_000 + ".txt", None),
    ],
)
def test_a_name_has_no_folder_and_no_tricks(given: str, kept: str | None) -> None:
    cleaned = clean_name(given) if kept is not None else ""
    assert cleaned == (kept or "")


def test_a_quota_counts_what_was_announced_but_no_library(ada: User, settings: object) -> None:
    settings.AGENTSITE_FILES_MIB_PER_USER = 1  # type: ignore[attr-defined]
    upload(ada, "a.txt", b"x" * 1_000_000, library=Library.objects.create(name="handbook"))
    begin_upload(user=ada, name="a.txt", size=1_000_000)
    with pytest.raises(DocumentRefused, match=r"0\.954 of 1 MiB are used"):
        begin_upload(user=ada, name="b.txt", size=100_000)


def test_abandoned_uploads_go_with_the_next_one(ada: User) -> None:
    old = begin_upload(user=ada, name="old.txt", size=10)
    receive(old.pk, user=ada, offset=0, content=b"half")
    StoredFile.objects.update(created_at=timezone.now() - timedelta(hours=2))
    for number in range(MOST_OPEN + 5):
        begin_upload(user=ada, name=f"{number}.txt", size=10)
    assert StoredFile.objects.count() == MOST_OPEN
    assert not FileChunk.objects.exists()


def test_deleting_a_file_deletes_its_bytes_and_its_text(ada: User) -> None:
    upload(ada, "a.txt", b"some text").delete()
    assert not FileChunk.objects.exists()
    assert not DocumentPassage.objects.exists()
