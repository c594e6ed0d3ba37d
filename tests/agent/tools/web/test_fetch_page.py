"""`fetch_page` gives a model the text of a page, and says why it cannot."""

import codecs
import gzip
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from runs.agent.errors.exceptions import InvalidArguments, ToolFailed, ToolUnavailable
from runs.agent.output_text import MODEL_SEES_BYTES, output_text
from runs.agent.sandbox.limits import JobLimits
from runs.agent.tools.registry import execute_tool_by_name
from runs.agent.tools.web.download import Download
from runs.agent.tools.web.page import MAX_CHARACTERS, page_of
from tests.agent.files import documents
from tests.agent.tools.web.web_server import WebServer, endless, redirect, response

HTML = "text/html; charset=utf-8"
TIDES = """<!doctype html><html><head><title>Tides &amp; more</title>
<meta property="article:published_time" content="2026-03-01">
<script>alert("no")</script><style>p {color: red}</style></head>
<body><nav><a href="/home">Home</a><a href="#top">Top</a><a href="javascript:x()">Script</a></nav>
<article><h1>When the tide is high</h1>
<p>The tide comes <strong>twice a day</strong>, as the <a href="/moon?phase=2#now">moon</a> goes around the earth.</p>
<h2>Heights</h2>
<table><tr><th>place</th><th>height</th></tr><tr><td>Saint-Malo</td><td>12 m</td></tr></table>
<ul><li>High water</li><li>Low water</li></ul>
<p>A further paragraph has enough words to show that this is the main text of the page and no advertisement.</p>
</article><footer>© Harbour</footer></body></html>"""


@pytest.fixture(autouse=True)
def named(site: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTSITE_FETCH_HOSTS", f"127.0.0.1:{site.port}")


async def fetch(site: WebServer, path: str = "/", **arguments: Any) -> dict[str, Any]:
    page: dict[str, Any] = await execute_tool_by_name("fetch_page", url=site.url(path, host="127.0.0.1"), **arguments)
    return page


async def test_a_page_is_its_main_text_as_markdown_with_title_date_and_links(site: WebServer) -> None:
    site.pages |= {"/old": redirect("/tides"), "/tides": response(TIDES, content_type=HTML)}

    page = await fetch(site, "/old")

    here = site.url("", host="127.0.0.1")
    assert (page["title"], page["date"], page["type"]) == ("Tides & more", "2026-03-01", "text/html")
    assert (page["address"], page["size_bytes"]) == (f"{here}/tides", len(TIDES.encode()))
    assert f"The tide comes **twice a day**, as the [moon]({here}/moon?phase=2#now) goes" in page["text"]
    assert "## Heights" in page["text"] and "| Saint-Malo | 12 m |" in page["text"] and "- High water" in page["text"]
    assert "alert" not in page["text"] and "color" not in page["text"]
    assert page["links"] == [
        {"text": "Home", "address": f"{here}/home"},
        {"text": "moon", "address": f"{here}/moon?phase=2"},
    ]
    assert "note" not in page


@pytest.mark.parametrize(
    ("sent", "content_type"),
    [
        ("<title>Fluß</title><p>Über die Brücke".encode(), "text/html; charset=utf-8"),
        ("<title>Fluß</title><p>Über die Brücke".encode("latin-1"), 'text/html; charset="ISO-8859-1"'),
        ("<meta charset=windows-1252><title>Fluß</title><p>Über die Brücke".encode("cp1252"), "text/html"),
        ("<title>Fluß</title><p>Über die Brücke".encode("utf-16"), "text/html"),
        (codecs.BOM_UTF8 + "<title>Fluß</title><p>Über die Brücke".encode(), "text/html; charset=latin-1"),
        ("<title>Fluß</title><p>Über die Brücke".encode(), "text/html; charset=no-such-charset"),
        ("<title>Fluß</title><p>Über die Brücke".encode(), "text/html; charset=base64"),
        ("<!DOCTYPE html><title>Fluß</title><p>Über die Brücke".encode(), ""),
    ],
)
async def test_a_page_is_read_in_its_own_encoding(site: WebServer, sent: bytes, content_type: str) -> None:
    site.pages["/"] = response(sent, content_type=content_type) if content_type else response(sent)

    page = await fetch(site)

    assert (page["title"], page["text"]) == ("Fluß", "Über die Brücke")


@pytest.mark.parametrize(
    ("sent", "encoding"),
    [("日本語のページです。潮の満ち引き。", "shift_jis"), ("Это страница о приливах и отливах.", "windows-1251")],
)
async def test_a_text_in_an_old_encoding_is_read(site: WebServer, sent: str, encoding: str) -> None:
    site.pages |= {
        "/said": response(sent.encode(encoding), content_type=f"text/plain; charset={encoding}"),
        "/meta": response(f"<meta charset={encoding}><p>{sent}".encode(encoding), content_type="text/html"),
    }

    assert [(await fetch(site, path))["text"] for path in site.pages] == [sent, sent]


@pytest.mark.parametrize(
    ("sent", "content_type"),
    [
        (b'{"tide": "high"}', "application/json"),
        (b'{"tide": "high"}', "application/problem+json; charset=utf-8"),
        (b"place,height\nSaint-Malo,12\n", "text/csv"),
        (b"# Tides\n\nHigh.\n", "text/markdown"),
        (b"<tide>high</tide>", "application/xml"),
        (b"tide: high", "application/octet-stream"),
        (b"tide: high", ""),
    ],
)
async def test_a_file_of_text_comes_as_it_is(site: WebServer, sent: bytes, content_type: str) -> None:
    site.pages["/"] = response(gzip.compress(sent), content_type=content_type, content_encoding="gzip")

    page = await fetch(site)

    assert (page["text"], page["size_bytes"]) == (sent.decode().strip(), len(sent))


@pytest.mark.parametrize(
    ("sent", "content_type"),
    [
        (b"\x89PNG\r\n", "image/png"),
        (b"MZ\0\0", ""),
        (b"PK\3\4\0\xff", "application/zip"),
    ],
)
async def test_a_file_that_is_no_text_is_told(site: WebServer, sent: bytes, content_type: str) -> None:
    site.pages["/"] = response(sent, content_type=content_type)

    with pytest.raises(ToolFailed, match="cannot be read as text"):
        await fetch(site)


WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@pytest.mark.parametrize(
    ("path", "sent", "content_type", "text"),
    [
        (
            "/a",
            documents.pdf("High tide.", "Low tide."),
            "application/pdf",
            "[page 1]\nHigh tide.\n\n[page 2]\nLow tide.",
        ),
        ("/a.pdf", documents.pdf("High tide."), "application/octet-stream", "[page 1]\nHigh tide."),
        ("/a", documents.docx("High tide.", "Low."), WORD, "[paragraphs 1-2]\nHigh tide.\nLow."),
        ("/a.docx", documents.docx("High tide."), "application/zip", "[paragraph 1]\nHigh tide."),
        ("/a.xlsx", documents.xlsx([["tide", 12]]), "", "[sheet Sales, row 1]\ntide\t12.0"),
    ],
)
async def test_a_document_is_read_as_an_uploaded_one(
    site: WebServer, path: str, sent: bytes, content_type: str, text: str
) -> None:
    site.pages[path] = response(sent, content_type=content_type) if content_type else response(sent)

    page = await fetch(site, path)

    assert (page["text"], page["size_bytes"]) == (text, len(sent))
    assert "note" not in page
    assert (await fetch(site, path, start=len(text) - 5))["text"] == text[-5:]


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        (b"%PDF-1.7", "The file is damaged"),
        (documents.pdf("x")[:-300] + b"\0" * 300, "The file is damaged"),
        (documents.zipped({"word/document.xml": b" " * 210_000_000}), "200 MiB"),
    ],
)
async def test_a_damaged_or_hostile_document_is_told(site: WebServer, sent: bytes, says: str) -> None:
    site.pages["/a.docx"] = response(sent)

    with pytest.raises(ToolFailed, match=f"/a.docx: .*{says}"):
        await fetch(site, "/a.docx")


async def test_a_document_that_is_longer_than_the_limit_is_not_read_in_part(site: WebServer) -> None:
    site.pages["/"] = endless(b"HTTP/1.1 200 OK\r\ncontent-type: application/pdf\r\n\r\n%PDF-1.7")

    with pytest.raises(ToolFailed, match=r"longer than 5,242,880 bytes: a .pdf file is read whole or not at all"):
        await fetch(site)


async def test_a_scan_has_no_text_and_says_so(site: WebServer) -> None:
    site.pages["/"] = response(documents.pdf(""), content_type="application/pdf")

    assert "as of a scan, are not recognised" in (await fetch(site))["note"]


async def test_a_long_page_is_read_in_parts(site: WebServer) -> None:
    paragraphs = [f"Paragraph {number} tells of the tide." for number in range(3_000)]
    site.pages["/"] = response("\n\n".join(paragraphs), content_type="text/plain")

    first = await fetch(site)
    assert f"Go on with start={MAX_CHARACTERS}." in first["note"]
    parts, start = [first["text"]], MAX_CHARACTERS
    while "Go on" in (page := await fetch(site, start=start)).get("note", ""):
        parts.append(page["text"])
        start += MAX_CHARACTERS
    parts.append(page["text"])

    assert "".join(parts) == "\n\n".join(paragraphs)
    assert len(output_text(first)) < MODEL_SEES_BYTES
    assert "nothing from 999,999 on" in (await fetch(site, start=999_999))["note"]


async def test_what_only_hides_or_disturbs_is_left_out_of_a_text(site: WebServer) -> None:
    sent = "a\0b\x1b[31mc\u202edc\u2066\u200b\U000e0041e\ud800f\r\ng\rh".encode(errors="surrogatepass")
    site.pages["/"] = response(sent, content_type="text/plain; charset=utf-8")

    page = await fetch(site)

    assert page["text"].replace("\ufffd", "") == "ab[31mcdcef\ng\nh"


@pytest.mark.parametrize(
    ("status", "raises", "says"),
    [
        ("404 Not Found", ToolFailed, r"answered 404 \(Not Found\)\. Check the address"),
        ("403 Forbidden", ToolFailed, r"403 \(Forbidden\)"),
        ("429 Too Many Requests", ToolUnavailable, "Try again later"),
        ("503 Service Unavailable", ToolUnavailable, "Try again later"),
        ("999 What", ToolUnavailable, "999"),
        ("304 Not Modified", ToolFailed, "304"),
    ],
)
async def test_an_error_of_the_server_is_told(site: WebServer, status: str, raises: type[Exception], says: str) -> None:
    site.pages["/"] = response(status=status)

    with pytest.raises(raises, match=says):
        await fetch(site)


async def test_a_page_without_text_says_so(site: WebServer) -> None:
    site.pages["/"] = response("<html><body><script>render()</script></body></html>", content_type=HTML)

    assert "made by scripts" in (await fetch(site))["note"]


async def test_a_page_that_is_longer_than_the_limit_is_read_to_there_and_says_so(site: WebServer) -> None:
    site.pages["/"] = endless(b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n<p>Tide", b"<script>x</script> ")

    page = await fetch(site)

    assert page["text"] == "Tide"
    assert "only its first 5,242,880 bytes" in page["note"]


@pytest.mark.parametrize(
    "build",
    [
        lambda: "<div>" * 400_000 + "Tide",
        lambda: "<table><tr><td>" * 100_000 + "Tide",
        lambda: "<p>Tide</p>" + "".join(f"<a href=/{number}>x</a>" for number in range(10_000)),
        lambda: "<p>Tide" + "&amp;" * 300_000,
        lambda: "<p " + "".join(f"a{number}=b " for number in range(5_000)) + ">Tide",
        lambda: "<b>Tide" * 100_000,
        lambda: "Tide" + "<!--" * 300_000,
    ],
)
async def test_a_page_made_to_take_long_is_answered(site: WebServer, build: Callable[[], str]) -> None:
    site.pages["/"] = response(build(), content_type=HTML)

    page = await fetch(site)

    assert len(page["text"]) <= MAX_CHARACTERS


async def test_a_page_that_takes_too_long_for_its_main_text_is_given_with_all_its_words(site: WebServer) -> None:
    sent = Download(
        site.url(), 200, httpx2.Headers({"content-type": HTML}), b"<p>Tide" + b"<br>" * 60_000 + b"high", False
    )

    page = await page_of(sent, 0, limits=JobLimits(cpu_s=1))

    assert page["text"].split() == ["Tide", "high"]


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "file:///etc/passwd", "not an address", ""])
async def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(ToolFailed):
        await execute_tool_by_name("fetch_page", url=url)


async def test_arguments_are_checked() -> None:
    with pytest.raises(InvalidArguments):
        await execute_tool_by_name("fetch_page", url="https://example.org/", start="soon")
