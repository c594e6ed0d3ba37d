"""Client addresses behind different proxies and behind none, with the documentation's own configuration blocks."""

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

import pytest

from runs.client_address import TrustedProxies, address_in, network_of
from tests.live_site import ROOT, LiveSite

PASSWORD = "a good long password"
ONE, LOCAL = TrustedProxies.parse("1"), TrustedProxies.parse("127.0.0.1, 10.0.0.0/8, ::1")


@pytest.mark.parametrize(
    ("proxies", "peer", "forwarded_for", "client"),
    [
        (TrustedProxies(), "127.0.0.1", ["192.0.2.1"], "127.0.0.1"),
        (ONE, "127.0.0.1", [], "127.0.0.1"),
        (ONE, "127.0.0.1", ["6.6.6.6, 192.0.2.1"], "192.0.2.1"),
        (ONE, "127.0.0.1", ["6.6.6.6", "192.0.2.1"], "192.0.2.1"),
        (ONE, "127.0.0.1", ["192.0.2.1:4711"], "192.0.2.1"),
        (ONE, "127.0.0.1", ["[2001:db8::1]:4711"], "2001:db8::1"),
        (ONE, "127.0.0.1", ["2001:DB8:0::1"], "2001:db8::1"),
        (ONE, "127.0.0.1", ["::ffff:192.0.2.1"], "192.0.2.1"),
        (ONE, "127.0.0.1", ["192.0.2.1, unknown"], "127.0.0.1"),
        (ONE, "127.0.0.1", ["192.0.2.1, "], "192.0.2.1"),
        (TrustedProxies.parse("2"), "127.0.0.1", ["6.6.6.6, 192.0.2.1, 10.0.0.3"], "192.0.2.1"),
        (LOCAL, "127.0.0.1", ["6.6.6.6, 192.0.2.1, 10.0.0.3"], "192.0.2.1"),
        (LOCAL, "::ffff:127.0.0.1", ["192.0.2.1"], "192.0.2.1"),
        (LOCAL, "192.0.2.9", ["6.6.6.6"], "192.0.2.9"),
        (LOCAL, "127.0.0.1", ["10.0.0.1, 10.0.0.2"], "10.0.0.1"),
        (LOCAL, "127.0.0.1", ["6.6.6.6, <script>, 10.0.0.2"], "10.0.0.2"),
    ],
)
def test_the_client_is_the_right_most_address_no_trusted_proxy_stands_for(proxies, peer, forwarded_for, client):
    assert proxies.client(peer, forwarded_for, []) == client


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        (["for=6.6.6.6, for=192.0.2.1;proto=https"], "192.0.2.1"),
        (['by=x;For="[2001:db8::1]:80"'], "2001:db8::1"),
        (['for="6.6.6.6, for=7.7.7.7"'], "127.0.0.1"),
        (["for=_hidden"], "127.0.0.1"),
        (["proto=https"], "127.0.0.1"),
    ],
)
def test_forwarded_says_it_too(forwarded, client):
    assert ONE.client("127.0.0.1", [], forwarded) == client


def test_two_headers_that_say_different_things_are_both_not_believed():
    assert ONE.client("127.0.0.1", ["192.0.2.1"], ["for=6.6.6.6"]) == "127.0.0.1"
    assert ONE.client("127.0.0.1", ["192.0.2.1"], ["for=192.0.2.1"]) == "192.0.2.1"


def test_thousands_of_entries_are_looked_at_from_the_right_and_not_to_the_end():
    assert LOCAL.client("127.0.0.1", [", ".join(["192.0.2.1"] + ["10.0.0.1"] * 5000)], []) == "10.0.0.1"


HOSTILE = [
    '"',
    "\\",
    ",",
    ";",
    '\\"',
    '",',
    '";',
    'for="',
    "for=",
    "for=10.0.0.1,",
    'for="10.0.0.1",',
    '"\\',
    "; ",
    "=",
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_header_of_any_shape_is_read_in_a_moment(piece):
    began = time.process_time()

    for text in (piece * (256_000 // len(piece)), piece * (8_000 // len(piece))):
        for proxies in (ONE, LOCAL):
            proxies.client("127.0.0.1", [text], [text])
            proxies.client("127.0.0.1", [], [text, 'x"'])

    assert time.process_time() - began < 1


def test_what_is_no_proxy_of_ours_has_its_headers_not_even_read():
    class Unread(list[str]):
        def __iter__(self):
            raise AssertionError("read")

    assert LOCAL.client("192.0.2.9", Unread(), Unread()) == "192.0.2.9"
    assert TrustedProxies().client("127.0.0.1", Unread(), Unread()) == "127.0.0.1"


@pytest.mark.parametrize("open_mark", ['for="', 'for="6.6.6.6', 'for="\\', '"', 'a="b\\"'])
def test_a_quotation_mark_a_client_left_open_hides_nothing_of_what_the_proxy_wrote(open_mark):
    assert ONE.client("127.0.0.1", [], [open_mark, "for=192.0.2.1"]) == "192.0.2.1"
    assert ONE.client("127.0.0.1", [], [f'{open_mark}, for="[2001:db8::1]:80";by="a,\\"b;c"']) == "2001:db8::1"


def test_a_site_goes_on_answering_while_it_reads_headers_made_to_take_long(live_site):
    shapes = [
        ("Forwarded", '"' * 14_000),
        ("Cookie", "=" * 14_000 + '"'),
        ("Cookie", 'x="' + r"\"" * 7000 + '"'),
        ("Authorization", "Bearer " + "ags_" * 3500),
    ]
    before = cpu_seconds(live_site)

    for name, value in shapes:
        for path in ("/healthz", "/accounts/login/"):
            connection = HTTPConnection(live_site.url.removeprefix("http://"), timeout=20)
            connection.request("GET", path, headers={name: value})
            assert connection.getresponse().status == 200
            connection.close()

    assert cpu_seconds(live_site) - before < 2


def cpu_seconds(site: LiveSite) -> float:
    """The CPU time its process has used."""
    fields = Path(f"/proc/{site.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_limits_count_an_ipv6_network_as_one_and_an_ipv4_address_as_itself():
    assert network_of("2001:db8:1:2:3::4") == network_of("2001:db8:1:2::9") == "2001:db8:1:2::/64"
    assert network_of("192.0.2.1") == network_of("::ffff:192.0.2.1") == "192.0.2.1"
    assert address_in("nobody") is None


def test_without_trusted_proxies_nobody_chooses_an_address(start_site):
    site = start_site()
    site.create_user("ada")

    checked = guesses(site.url, lambda number: [("X-Forwarded-For", f"192.0.2.{number}")])

    assert checked == [422] * 10 + [429] * 4


BLOCKS = [text.partition("\n")[2] for text in (ROOT / "docs/reverse-proxy.md").read_text().split("```")[1::2]]


def block(start: str) -> str:
    """The documented configuration block that begins with `start`."""
    return next(text for text in BLOCKS if text.startswith(start))


def nginx(folder: Path, port: int, site: str) -> list[str]:
    server = block("server {").replace("listen 443 ssl;", f"listen 127.0.0.1:{port};").replace("127.0.0.1:8000", site)
    (folder / "nginx.conf").write_text(
        f"pid {folder}/pid; error_log {folder}/error.log; daemon off; events {{}} http {{ access_log off;\n"
        + "".join(
            f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        + f'map $http_upgrade $connection_upgrade {{ default upgrade; "" close; }}\n{server}\n}}'
    )
    return ["nginx", "-c", str(folder / "nginx.conf")]


def caddy(folder: Path, port: int, site: str) -> list[str]:
    server = (
        block("agents.example.org {").replace("agents.example.org", f"http://:{port}").replace("127.0.0.1:8000", site)
    )
    # Without TLS in the test, Caddy would send `http`.
    server = server.replace("header_up -Forwarded", "header_up -Forwarded\n header_up X-Forwarded-Proto https")
    (folder / "Caddyfile").write_text("{\n admin off\n}\n" + server)
    return ["caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


def haproxy(folder: Path, port: int, site: str) -> list[str]:
    server = block("frontend agents")
    server = re.sub(r"bind .*", f"bind 127.0.0.1:{port}", server).replace("127.0.0.1:8000", site)
    (folder / "haproxy.cfg").write_text(server)
    return ["haproxy", "-db", "-f", str(folder / "haproxy.cfg")]


@pytest.fixture(params=[nginx, caddy, haproxy], ids=["nginx", "caddy", "haproxy"])
def proxied(request, start_site, tmp_path) -> Iterator[tuple[LiveSite, str]]:
    """A site behind the proxy as documented, and the proxy's address."""
    name = request.param.__name__
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    site = start_site(AGENTSITE_URL="https://agents.example.org", AGENTSITE_TRUSTED_PROXIES="127.0.0.1")
    site.create_user("ada")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    # Workers and files of its own under the test's folder.
    process = subprocess.Popen(
        request.param(tmp_path, port, site.url.removeprefix("http://")),
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(port)
        yield site, f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def test_behind_the_documented_proxy_a_client_has_ten_guesses_and_locks_out_nobody_else(proxied):
    _, address = proxied

    checked = guesses(
        address,
        lambda number: [("X-Forwarded-For", f"192.0.2.{number}"), ("Forwarded", f"for=192.0.2.{number}")],
        source="127.0.0.7",
    )

    assert checked == [422] * 10 + [429] * 4
    assert sign_in(address, PASSWORD, [], source="127.0.0.7") == 429
    assert sign_in(address, PASSWORD, [], source="127.0.0.8") == 302


def guesses(address: str, headers, source: str = "127.0.0.1") -> list[int]:
    """The statuses of fourteen sign-ins as ada with wrong passwords."""
    return [sign_in(address, "wrong", headers(number), source=source) for number in range(14)]


def sign_in(address: str, password: str, headers: list[tuple[str, str]], source: str = "127.0.0.1") -> int:
    """The status of one sign-in."""
    is_public = address.rsplit(":", 1)[1]
    host = "agents.example.org"
    connection = HTTPConnection("127.0.0.1", int(is_public), timeout=20, source_address=(source, 0))
    token = "a" * 32
    body = urlencode({"username": "ada", "password": password, "csrfmiddlewaretoken": token})
    cookies = f"csrftoken={token}; __Host-csrftoken={token}"
    connection.putrequest("POST", "/accounts/login/", skip_host=True)
    for name, value in [
        ("Host", host if source != "127.0.0.1" else f"127.0.0.1:{is_public}"),
        ("Cookie", cookies),
        ("Referer", f"https://{host}/accounts/login/"),
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Content-Length", str(len(body))),
        *headers,
    ]:
        connection.putheader(name, value)
    connection.endheaders(body.encode())
    status = connection.getresponse().status
    connection.close()
    return status


def wait_for(port: int) -> None:
    """Return once the port accepts connections."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("The proxy did not start.")
