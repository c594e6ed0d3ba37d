"""Requests go to public addresses, and to hosts that the settings name; to the address that was checked."""

import json
import ssl
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import httpx2
import pytest

from runs.agent.errors.exceptions import ToolUnavailable
from runs.agent.tools.web.download import download
from runs.agent.tools.web.guarded_transport import AddressRefused, GuardedTransport
from runs.agent.tools.web.host_rules import HostRules
from tests.agent.tools.web.canaries import HELD, NO_NAMESPACE
from tests.agent.tools.web.ssrf_corpus import URLS
from tests.agent.tools.web.web_server import WebServer, response


@pytest.mark.skipif(sys.platform != "linux", reason="needs the network namespaces of Linux")
def test_no_canary_hears_from_any_address_of_the_corpus() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.agent.tools.web.canaries"], capture_output=True, text=True, check=False
    )
    if done.returncode == NO_NAMESPACE:
        pytest.skip("this kernel gives no network namespace: run as root, or allow user namespaces")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)

    assert told["control"] == sorted(["127.0.0.1", "::1", *HELD])
    assert len(URLS) == told["tried"] >= 80
    assert told["not_refused"] == [] and told["seen"] == [] and told["seen_at_own_public_address"] == []
    # The name was looked up once, and the connection went to what was checked.
    assert told["rebinding_lookups"] == 1 and told["seen_of_rebinding"] == ["93.184.215.99"]


async def addresses_of(host: str, *answers: str, rules: HostRules = HostRules()) -> list[str]:  # noqa: B008
    async def resolve(name: str, port: int) -> Sequence[str]:
        return answers

    async with GuardedTransport(rules, resolver=resolve) as transport:
        return await transport.checked_addresses(httpx2.URL(f"http://{host}/"))


async def test_a_public_name_is_reached_at_its_addresses() -> None:
    assert await addresses_of("example.org", "93.184.215.14", "2606:2800::1") == ["93.184.215.14", "2606:2800::1"]


@pytest.mark.parametrize("answers", [["93.184.215.14", "127.0.0.1"], ["10.0.0.1", "93.184.215.14"]])
async def test_one_address_that_is_not_public_is_enough_to_refuse_a_name(answers: list[str]) -> None:
    with pytest.raises(AddressRefused, match="not on the public internet"):
        await addresses_of("example.org", *answers)


async def test_a_name_without_an_address_is_told() -> None:
    with pytest.raises(ToolUnavailable, match=r"no address for the name nobody\.test"):
        await addresses_of("nobody.test")


async def test_a_named_host_is_reached_at_its_port_only() -> None:
    rules = HostRules(frozenset({("wiki.internal", 9000), ("intranet", None)}))

    assert await addresses_of("wiki.internal:9000", "10.0.0.5", rules=rules) == ["10.0.0.5"]
    assert await addresses_of("WIKI.internal.:9000", "10.0.0.5", rules=rules) == ["10.0.0.5"]
    assert await addresses_of("intranet:8080", "10.0.0.5", rules=rules) == ["10.0.0.5"]
    for other in (
        "wiki.internal",
        "wiki.internal:9001",
        "intranet:22",
        "x.wiki.internal:9000",
        "wiki.internal.evil.test",
    ):
        with pytest.raises(AddressRefused):
            await addresses_of(other, "10.0.0.5", rules=rules)


async def test_the_server_hears_its_name_and_the_name_is_looked_up_once(site: WebServer) -> None:
    site.pages["/"] = response("hello", content_type="text/plain")

    got = await download(site.url(), site.rules(), resolver=site.resolve)

    assert got.body == b"hello"
    assert site.looked_up == ["site.test"]
    assert f"host: site.test:{site.port}" in site.requests[0].lower()


async def test_a_further_address_is_tried_if_the_first_refuses(site: WebServer) -> None:
    site.pages["/"] = response("hello")

    async def resolve(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.9", "::1", "127.0.0.1"]

    assert (await download(site.url(), site.rules(), resolver=resolve)).body == b"hello"


async def test_the_certificate_is_checked_against_the_name(secure_site: WebServer, trust: ssl.SSLContext) -> None:
    secure_site.pages["/"] = response("hello")
    rules = secure_site.rules("site.test", "other.test", "127.0.0.1")

    got = await download(secure_site.url(), rules, resolver=secure_site.resolve, tls=trust)

    assert got.body == b"hello"
    for other in ("other.test", "127.0.0.1"):
        with pytest.raises(ToolUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
            await download(secure_site.url(host=other), rules, resolver=secure_site.resolve, tls=trust)


async def test_an_unknown_authority_is_not_trusted(secure_site: WebServer) -> None:
    with pytest.raises(ToolUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
        await download(secure_site.url(), secure_site.rules(), resolver=secure_site.resolve)


async def test_proxies_and_credentials_of_the_environment_are_not_used(
    site: WebServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    site.pages["/"] = response("hello")
    netrc = tmp_path / "netrc"
    netrc.write_text("machine site.test login ada password secret\n")
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("NETRC", str(netrc))

    await download(site.url(), site.rules(), resolver=site.resolve)

    assert "authorization" not in site.requests[0].lower()
