"""A download follows redirects with care, and ends at its limits."""

import gzip
import ssl
import zlib

import pytest

from runs.agent.errors.exceptions import ToolFailed, ToolUnavailable
from runs.agent.tools.web.download import MAX_BODY_BYTES, MAX_REDIRECTS, Download, download
from runs.agent.tools.web.guarded_transport import AddressRefused
from runs.agent.tools.web.host_rules import HostRules
from tests.agent.tools.web.web_server import WebServer, endless, redirect, response, slow


async def get(
    site: WebServer, path: str = "/", *, deadline_s: float = 30, tls: ssl.SSLContext | None = None
) -> Download:
    return await download(site.url(path), site.rules(), resolver=site.resolve, deadline_s=deadline_s, tls=tls)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_leads_to_the_final_address(site: WebServer, status: int) -> None:
    site.pages |= {"/": redirect("/a/b?c=d#part", status), "/a/b": response("hello")}

    got = await get(site)

    assert (got.url, got.body) == (site.url("/a/b?c=d"), b"hello")


async def test_as_many_redirects_as_allowed_are_followed_and_no_more(site: WebServer) -> None:
    site.pages |= {f"/{number}": redirect(f"/{number + 1}") for number in range(20)}
    site.pages[f"/{MAX_REDIRECTS}"] = response("hello")
    assert (await get(site, "/0")).body == b"hello"

    site.pages[f"/{MAX_REDIRECTS}"] = redirect(f"/{MAX_REDIRECTS + 1}")
    with pytest.raises(ToolFailed, match="redirects more than 5 times"):
        await get(site, "/0")
    assert len(site.requests) == 2 * (MAX_REDIRECTS + 1)


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]/",
        "//127.0.0.1/",
        "http://2130706433/",
        "http://ok@127.0.0.1/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:8080/",
        "ftp://127.0.0.1/",
        "data:text/html,hello",
        "http://site.test:22/",
        "http://[::1",
        "http://127.0.0.1:99999/",
    ],
)
@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_checked_like_the_first_address(site: WebServer, status: int, target: str) -> None:
    site.pages["/"] = redirect(target, status)

    with pytest.raises(AddressRefused):
        await get(site)

    assert len(site.requests) == 1


async def test_a_redirect_without_encryption_is_not_followed_from_an_encrypted_page(
    secure_site: WebServer, trust: ssl.SSLContext
) -> None:
    secure_site.pages["/"] = redirect(f"http://site.test:{secure_site.port}/")

    with pytest.raises(AddressRefused, match="not encrypted"):
        await get(secure_site, tls=trust)


async def test_cookies_are_not_carried_over_a_redirect(site: WebServer) -> None:
    first = redirect("/next").replace(b"\r\n\r\n", b"\r\nset-cookie: id=1; Path=/\r\n\r\n")
    site.pages |= {"/": first, "/next": response("hello")}

    await get(site)

    assert "cookie" not in site.requests[1].lower() and "referer" not in site.requests[1].lower()


async def test_a_redirect_without_an_address_is_an_answer(site: WebServer) -> None:
    site.pages["/"] = response("nowhere", status="302 Found")

    assert (await get(site)).status == 302


TEXT = b"The tide is high. " * 1000


def raw_deflate(data: bytes) -> bytes:
    made = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return made.compress(data) + made.flush()


@pytest.mark.parametrize(
    ("encoding", "sent"),
    [
        ("gzip", gzip.compress(TEXT, mtime=0)),
        ("GZip", gzip.compress(TEXT, mtime=0)),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", raw_deflate(TEXT)),
        ("identity", TEXT),
        ("", TEXT),
    ],
    ids=["gzip", "GZip", "deflate", "raw deflate", "identity", "none"],
)
async def test_a_compressed_body_is_decompressed(site: WebServer, encoding: str, sent: bytes) -> None:
    site.pages["/"] = response(sent, content_encoding=encoding)

    got = await get(site)

    assert (got.body, got.is_cut) == (TEXT, False)


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "gzip, br", "compress", "x" * 1000])
async def test_an_encoding_that_was_not_asked_for_is_refused(site: WebServer, encoding: str) -> None:
    site.pages["/"] = response(gzip.compress(gzip.compress(TEXT, mtime=0)), content_encoding=encoding)

    with pytest.raises(ToolFailed, match="which was not asked for"):
        await get(site)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_body_that_cannot_be_decompressed_is_told(site: WebServer, encoding: str) -> None:
    site.pages["/"] = response(b"this is not compressed", content_encoding=encoding)

    with pytest.raises(ToolFailed, match="cannot be decompressed"):
        await get(site)


async def test_a_body_of_exactly_the_limit_is_whole_and_a_longer_one_is_cut(site: WebServer) -> None:
    site.pages |= {"/whole": response(b"x" * MAX_BODY_BYTES), "/longer": response(b"x" * (MAX_BODY_BYTES + 1))}

    whole, longer = await get(site, "/whole"), await get(site, "/longer")

    assert (len(whole.body), whole.is_cut) == (MAX_BODY_BYTES, False)
    assert (len(longer.body), longer.is_cut) == (MAX_BODY_BYTES, True)


async def test_an_endless_body_ends_at_the_limit(site: WebServer) -> None:
    site.pages["/"] = endless(b"HTTP/1.1 200 OK\r\n\r\n")

    assert (await get(site)).is_cut


async def test_a_byte_now_and_then_ends_at_the_deadline(site: WebServer) -> None:
    site.pages |= {"/body": slow(b"HTTP/1.1 200 OK\r\n\r\n"), "/head": slow(b"HTTP/1.1 200 OK\r\nx: ")}

    for path in site.pages:
        with pytest.raises(ToolUnavailable, match=r"no full answer within 0\.3 s"):
            await get(site, path, deadline_s=0.3)


async def test_endless_informational_responses_end_at_the_deadline(site: WebServer) -> None:
    site.pages["/"] = endless(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100)

    with pytest.raises(ToolUnavailable, match=r"no full answer within 0\.5 s"):
        await get(site, deadline_s=0.5)


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"x-%d: y\r\n" % number for number in range(100_000)),
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * 2_000_000,
        b"HTTP/1.1 200 " + b"y" * 2_000_000,
        b"\0" * 2_000_000,
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + b"1" * 2_000_000,
        b"SSH-2.0-OpenSSH_9.6\r\n",
    ],
)
async def test_a_head_that_is_too_long_or_no_http_is_refused(site: WebServer, head: bytes) -> None:
    site.pages["/"] = endless(head)

    with pytest.raises(ToolUnavailable, match="broke off or did not speak HTTP"):
        await get(site)


async def test_a_server_that_breaks_off_is_told(site: WebServer) -> None:
    site.pages |= {"/nothing": b"", "/half": b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf"}

    for path in site.pages:
        with pytest.raises(ToolUnavailable, match="broke off"):
            await get(site, path)


async def test_nobody_there_is_told(site: WebServer) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return ["127.0.0.9"]

    with pytest.raises(ToolUnavailable, match="No connection to"):
        await download(site.url(), site.rules(), resolver=resolve)


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_the_port_0_is_not_the_usual_one(scheme: str) -> None:
    with pytest.raises(AddressRefused, match="The port 0 of "):
        await download(f"{scheme}://example.com:0/", HostRules())
