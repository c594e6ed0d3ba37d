"""A server that sends too much costs little memory, and no turn of the event loop for long."""

import asyncio
import json
import sys
import zlib
from collections.abc import Iterator

import pytest

from tests.agent.tools.web.web_server import WebServer, endless, response

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n"
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n"
MIB = 1024 * 1024


def bomb() -> Iterator[bytes]:
    """The beginning of a gzip body, and a piece of 10 KB that means 10 MB, to be repeated."""
    made = zlib.compressobj(9, wbits=zlib.MAX_WBITS | 16)
    yield made.compress(b"x") + made.flush(zlib.Z_FULL_FLUSH)
    yield made.compress(b"\0" * 10_000_000) + made.flush(zlib.Z_FULL_FLUSH)


@pytest.fixture
def flooding_site(site: WebServer) -> WebServer:
    beginning, ten_megabytes = bomb()
    site.pages |= {
        "/small": response("small"),
        "/endless": endless(HEAD + b"\r\n"),
        "/one-line": endless(HEAD + b"\r\n", b"x" * MIB),
        "/lines": endless(HEAD + b"\r\n", b"\n" * 65536),
        "/bomb": endless(HEAD + b"content-encoding: gzip\r\n\r\n" + beginning, ten_megabytes),
        "/nothing-in-it": endless(HEAD + b"content-encoding: deflate\r\n\r\n\x78\x9c", b"\0\0\0\xff\xff" * 10_000),
        "/tiny-chunks": endless(CHUNKED, b"1\r\nx\r\n" * 10_000),
        "/headers": endless(HEAD, b"x: y\r\n" * 10_000),
        "/one-header": endless(HEAD + b"x: ", b"y" * 65536),
        "/trailers": endless(CHUNKED + b"1\r\nx\r\n0\r\n", b"x: y\r\n" * 10_000),
        "/chunk-extension": endless(CHUNKED + b"1;", b"x" * 65536),
    }
    return site


async def test_floods_grow_the_memory_by_less_than_64_mib(flooding_site: WebServer) -> None:
    paths = [path for path in flooding_site.pages if path != "/small"]

    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.agent.tools.web.flood", str(flooding_site.port), *paths),
        stdout=asyncio.subprocess.PIPE,
    )
    answer, _ = await process.communicate()

    assert process.returncode == 0
    told = json.loads(answer)
    print(told)
    assert told["grown_bytes"] <= 64 * MIB
    assert told["slowest_turn_s"] < 1
    for path in ("/endless", "/one-line", "/lines", "/bomb"):
        assert told["told"][path] == f"{5 * MIB} bytes, cut: True", path
    for path in ("/headers", "/one-header", "/trailers", "/chunk-extension"):
        assert "did not speak HTTP" in told["told"][path], path
    for path in ("/nothing-in-it", "/tiny-chunks"):
        assert "no full answer within 3 s" in told["told"][path], path
