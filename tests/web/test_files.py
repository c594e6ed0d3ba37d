"""Files are uploaded in pieces or with the form, given to a run, and sent as attachments to whoever may see them."""

from collections.abc import Callable
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from runs.agent.errors import file_sentences as sentences
from runs.agent.errors.exceptions import ToolUnavailable
from runs.engine import control
from runs.engine.files import uploads
from runs.models import Attachment, Run, StoredFile
from tests.agent.files import documents

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("agent")]
BrowserOf = Callable[[User], Client]


def upload(browser: Client, name: str, content: bytes, piece: int = 50_000) -> Any:
    """The last response of an upload in pieces."""
    response = browser.post("/files/", {"name": name, "size": len(content)})
    offset = 0
    while response.status_code in (200, 201) and not response.json()["is_ready"]:
        url = f"{response.json()['url']}content/?offset={offset}"
        response = browser.post(url, content[offset : offset + piece], content_type="application/octet-stream")
        offset += piece
    return response


def test_a_file_in_pieces_is_given_to_the_run_and_named_on_its_page(owner: User, browser_of: BrowserOf) -> None:
    browser, content = browser_of(owner), b"a,b\n" + b"1,2\n" * 40_000
    told = upload(browser, "Umsätze 2026.csv", content).json()
    launched = browser.post("/runs/", {"task": "Sum it up.", "files": told["id"]})
    run = Run.objects.get()
    assert launched.status_code == 302
    assert [each.file.name for each in Attachment.objects.filter(run=run)] == ["Umsätze 2026.csv"]
    assert "Umsätze 2026.csv" in browser.get(run.get_absolute_url()).content.decode()
    response = browser.get(told["url"])
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Length"] == str(len(content))


@pytest.mark.parametrize("name", ["a.txt", 'q"uo\\te.txt', "Grüße 退款.txt", "x\r\nX-Header: 1.txt", "a;b.txt"])
def test_a_download_is_an_attachment_and_never_a_page(owner: User, browser_of: BrowserOf, name: str) -> None:
    browser = browser_of(owner)
    response = browser.get(upload(browser, name, b"text").json()["url"])
    assert response["Content-Disposition"].startswith("attachment; filename=")
    assert "\n" not in response["Content-Disposition"]
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert "no-store" in response["Cache-Control"]


def test_a_browser_without_scripts_sends_files_with_the_form(owner: User, browser_of: BrowserOf) -> None:
    files = [SimpleUploadedFile("a.txt", b"one"), SimpleUploadedFile("b.csv", b"x,y\n1,2\n")]
    response = browser_of(owner).post("/runs/", {"task": "Read them.", "upload": files})
    assert response.status_code == 302
    assert [each.file.name for each in Attachment.objects.order_by("position")] == ["a.txt", "b.csv"]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.exe", b"MZ", "Files of this type are not taken"),
        ("a.csv", documents.png(), "the content is not text"),
        ("a.txt", b"", "The file is empty"),
    ],
)
def test_a_refused_file_is_said_in_the_form_and_nothing_is_launched(
    owner: User, browser_of: BrowserOf, name: str, content: bytes, says: str
) -> None:
    browser = browser_of(owner)
    response = browser.post("/runs/", {"task": "Read it.", "upload": SimpleUploadedFile(name, content)})
    assert response.status_code == 422
    assert says in response.content.decode()
    assert "Read it." in response.content.decode()
    in_pieces = upload(browser, name, content)
    assert in_pieces.status_code == 422
    assert says in in_pieces.json()["error"]
    assert not Run.objects.exists()
    assert not StoredFile.objects.exists()


def test_a_refused_launch_keeps_the_files_of_the_form(owner: User, browser_of: BrowserOf) -> None:
    browser = browser_of(owner)
    told = upload(browser, "a.txt", b"text").json()
    response = browser.post("/runs/", {"task": "", "files": told["id"]})
    assert response.status_code == 422
    assert f'value="{told["id"]}"' in response.content.decode()


def test_a_refusal_is_in_the_language_of_the_page(owner: User, browser_of: BrowserOf) -> None:
    browser = browser_of(owner)
    browser.cookies["language"] = "de"
    assert "Dateien dieses Typs" in upload(browser, "a.exe", b"MZ").json()["error"]


def test_a_picture_is_refused_for_the_offline_planner(owner: User, browser_of: BrowserOf) -> None:
    browser = browser_of(owner)
    told = upload(browser, "photo.png", documents.png()).json()
    response = browser.post("/runs/", {"task": "Which colour?", "files": told["id"]})
    assert response.status_code == 422
    assert "The model offline cannot see images." in response.content.decode()


def test_files_of_others_are_neither_seen_nor_given(owner: User, other: User, browser_of: BrowserOf) -> None:
    told = upload(browser_of(owner), "a.txt", b"secret").json()
    browser = browser_of(other)
    assert browser.get(told["url"]).status_code == 404
    assert browser.get(f"{told['url']}preview/").status_code == 404
    piece = browser.post(f"{told['url']}content/?offset=0", b"x", content_type="application/octet-stream")
    assert piece.status_code == 404
    assert browser.post("/runs/", {"task": "Read it.", "files": told["id"]}).status_code == 422


@pytest.mark.parametrize("size", ["", "-1", "x", "1e3", "٣"])
def test_a_size_that_is_none_is_refused(owner: User, browser_of: BrowserOf, size: str) -> None:
    assert browser_of(owner).post("/files/", {"name": "a.txt", "size": size}).status_code == 422


@pytest.mark.parametrize("size", ["26214401", "9" * 30])
def test_a_file_that_is_too_large_is_refused_with_the_limit(owner: User, browser_of: BrowserOf, size: str) -> None:
    response = browser_of(owner).post("/files/", {"name": "a.txt", "size": size})
    assert (response.status_code, response.json()["error"]) == (422, "The file is larger than 25 MiB.")


@pytest.mark.parametrize("offset", ["", "-1", "x", "9" * 30, "5"])
def test_a_piece_at_no_place_is_refused(owner: User, browser_of: BrowserOf, offset: str) -> None:
    browser = browser_of(owner)
    told = browser.post("/files/", {"name": "a.txt", "size": 4}).json()
    url = f"{told['url']}content/?offset={offset}"
    assert browser.post(url, b"text", content_type="application/octet-stream").status_code == 422


@pytest.mark.parametrize(
    ("name", "content", "shows"),
    [
        ("a.csv", b"region,sum\nnorth,3\n", '<td dir="auto">north</td>'),
        ("a.csv", b"region;sum\nnorth;3\n", '<td dir="auto">north</td>'),
        ("a.tsv", b"region\tsum\nnorth\t3\n", '<td dir="auto">north</td>'),
        ("a.md", b"# <b>Title</b>", "# &lt;b&gt;Title&lt;/b&gt;"),
        ("a.pdf", documents.pdf("First page"), "First page"),
        ("a.png", documents.png(), "<img"),
        ("a.csv", b'"' + b"x" * 200_000, "xxx"),
    ],
)
def test_a_preview_shows_the_beginning(
    owner: User, browser_of: BrowserOf, name: str, content: bytes, shows: str
) -> None:
    browser = browser_of(owner)
    told = upload(browser, name, content).json()
    assert shows in browser.get(f"{told['url']}preview/").content.decode()


def test_a_form_of_the_run_again_has_its_files(owner: User, browser_of: BrowserOf) -> None:
    browser = browser_of(owner)
    told = upload(browser, "a.txt", b"text").json()
    path = urlsplit(browser.post("/runs/", {"task": "Read it.", "files": told["id"]})["Location"]).path
    run_id = path.strip("/").rsplit("/", 1)[1]
    assert f'value="{told["id"]}"' in browser.get(f"/runs/new/?from={run_id}").content.decode()


def test_a_follow_up_shows_the_files_of_its_conversation_and_its_form_keeps_them(
    owner: User, browser_of: BrowserOf
) -> None:
    browser = browser_of(owner)
    told = upload(browser, "a.txt", b"text").json()
    path = urlsplit(browser.post("/runs/", {"task": "Read it.", "files": told["id"]})["Location"]).path
    first = Run.objects.get(pk=path.strip("/").rsplit("/", 1)[1])
    Run.objects.filter(pk=first.pk).update(status=Run.Status.COMPLETED)
    second = control.continue_run(first.pk, by=owner, message="Sure?")

    page = browser.get(second.get_absolute_url()).content.decode()

    assert "Files of the conversation" in page
    assert told["url"] in page
    assert f'value="{told["id"]}"' in browser.get(f"/runs/new/?from={second.pk}").content.decode()


@pytest.mark.parametrize("size", ["1e3", "", "-5", "7.0", "٣"])
def test_a_size_that_is_no_whole_number_is_refused_as_that(owner: User, browser_of: BrowserOf, size: str) -> None:
    response = browser_of(owner).post("/files/", {"name": "a.csv", "size": size})

    assert (response.status_code, response.json()["error"]) == (422, "The size is a whole number of bytes.")


def test_without_javascript_it_says_which_of_several_files_is_refused(owner: User, browser_of: BrowserOf) -> None:
    files = [SimpleUploadedFile("a.txt", b"text"), SimpleUploadedFile("b.png", b"no picture")]

    response = browser_of(owner).post("/runs/", {"task": "Read them.", "upload": files})

    assert response.status_code == 422
    assert "b.png: The name ends in .png, but the content is not of that type." in response.content.decode()


def test_a_file_whose_readers_are_busy_is_kept_and_read_when_its_last_piece_comes_again(
    owner: User, browser_of: BrowserOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = browser_of(owner)

    async def busy(*_: Any) -> None:
        raise ToolUnavailable(sentences.JOBS_BUSY.made())

    with monkeypatch.context() as patch:
        patch.setattr(uploads, "extract", busy)
        refused = upload(browser, "a.txt", b"text")
    file = StoredFile.objects.get()
    again = browser.post(f"/files/{file.pk}/content/?offset=3", b"t", content_type="application/octet-stream")

    assert (refused.status_code, refused["Retry-After"]) == (503, "5")
    assert "Too many files and scripts" in refused.json()["error"]
    assert again.json()["is_ready"]
    assert StoredFile.objects.get().passages.get().text == "text"


def test_running_again_says_how_many_files_are_left_out(
    owner: User, browser_of: BrowserOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = browser_of(owner)
    files = [SimpleUploadedFile(f"{number}.txt", b"one") for number in range(3)]
    browser.post("/runs/", {"task": "Read them.", "upload": files})
    earlier = Run.objects.get()
    monkeypatch.setattr(import_module("runs.engine.control.launch"), "MOST_ATTACHED", 1)

    page = browser.post(f"/runs/{earlier.pk}/rerun/", follow=True).content.decode()

    assert "2 files of the earlier run are left out." in page
    again = Run.objects.exclude(pk=earlier.pk).get()
    assert [each.file.name for each in Attachment.objects.filter(run=again)] == ["0.txt"]
