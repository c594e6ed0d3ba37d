"""The secrets in the environment of this process by value, and their encoded forms."""

import html
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import quote, quote_plus, unquote, urlsplit

from runs.agent.redaction.encoded_secrets import cores_in_base
from runs.agent.redaction.secret_names import is_password_name, is_secret_name
from runs.agent.redaction.secret_patterns import HIDDEN, PEM_BEGIN, redacted

_PASSWORD_IN_ADDRESS = re.compile(r"://([^\s/@:]*):([^\s/]+)@")
_TOKEN_AS_USER = re.compile(r"(?i)\bhttps?://([^\s/@:]{8,})@")
_PAIR = re.compile(r"""(?:^|[;?&,:\s])([\w.-]{1,80})=("[^"]*"|'[^']*'|[^;&\s]+)""")
_LINE = re.compile(r"""(?m)^[ \t-]{0,80}["']?([\w.-]{1,80})["']?[ \t]{0,9}:[ \t]{1,9}["']?([^\s"',]+)""")
"""A member of YAML, as in a kubeconfig."""
_NO_VALUES = frozenset(("true", "false", "yes", "no", "on", "off", "none", "null"))
_RANDOM = re.compile(r"[A-Za-z0-9_+=-][A-Za-z0-9_+/=-]{31,}")
_CHANGES = re.compile(r"[a-z]+|[A-Z]+|[0-9]+")
MAX_DEPTH = 20
MIN_SECRET_CHARS = 8
"""A shorter value may be an ordinary word: hiding it would damage the texts of runs."""


def secrets_in(environ: Mapping[str, str] | None = None) -> set[str]:
    """The values of variables named like secrets, the keys of AGENTSITE_ENDPOINTS and the secrets of
    AGENTSITE_HTTP_HOSTS, AGENTSITE_MCP_HOSTS, AGENTSITE_MCP_CLIENTS and AGENTSITE_API_SECRETS under any name, and the
    passwords in addresses and connection strings. A value of several lines, such as a private key, is split into
    lines."""
    environ = os.environ if environ is None else environ
    return {value for _, value in _found_in(environ) if len(value) >= MIN_SECRET_CHARS}


def short_secrets_in(environ: Mapping[str, str] | None = None) -> list[str]:
    """The names of the variables whose secret is too short to be hidden."""
    environ = os.environ if environ is None else environ
    long = {name for name, value in _found_in(environ) if len(value) >= MIN_SECRET_CHARS}
    return sorted({name for name, value in _found_in(environ) if value} - long)


def _found_in(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    key_names = _key_names(environ.get("AGENTSITE_ENDPOINTS", ""))
    for setting in ("AGENTSITE_HTTP_HOSTS", "AGENTSITE_MCP_HOSTS", "AGENTSITE_MCP_CLIENTS"):
        key_names |= names_in(environ.get(setting, ""))
    key_names |= _listed_names(environ.get("AGENTSITE_API_SECRETS", ""))
    for name, value in environ.items():
        if name in key_names or _is_secret(name, value):
            yield from ((name, line) for line in _lines(value))
        yield from ((name, each) for each in _inside(value))


def _key_names(endpoints: str) -> set[str]:
    """The names of the variables with the keys of AGENTSITE_ENDPOINTS."""
    listed = _from_json(endpoints)
    found = (entry.get("key_env") for entry in (listed if isinstance(listed, list) else []) if isinstance(entry, dict))
    return {name for name in found if isinstance(name, str)}


def names_in(hosts: str) -> set[str]:
    """The names of the variables in the headers of such a setting, such as `Bearer $NAME`."""
    origins = _from_json(hosts)
    headers = (each for each in (origins.values() if isinstance(origins, dict) else []) if isinstance(each, dict))
    texts = [text for each in headers for text in each.values() if isinstance(text, str)]
    return {name for text in texts for name in Template(text).get_identifiers()}


def _listed_names(secrets: str) -> set[str]:
    """The names of the variables in AGENTSITE_API_SECRETS."""
    origins = _from_json(secrets)
    lists = (each for each in (origins.values() if isinstance(origins, dict) else []) if isinstance(each, list))
    return {name for each in lists for name in each if isinstance(name, str)}


def _from_json(text: str) -> Any:
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _inside(value: str, depth: int = 0) -> Iterator[str]:
    """The secrets inside a value (an address, a connection string, JSON or YAML), and the value itself if it looks like
    a key."""
    members = _from_json(value) if depth < MAX_DEPTH else None
    if members is not None:
        yield from _in_members(members, depth)
        return
    if PEM_BEGIN in value and "PRIVATE KEY" in value:
        yield from _lines(value)
    elif redacted(value) == HIDDEN or _looks_random(value):
        yield value
    if "://" in value and "@" in value:
        yield from _passwords_in_addresses(value)
    for name, each in (*_PAIR.findall(value), *_LINE.findall(value)):
        bare = each.strip("\"'")
        if _is_secret(name, bare) or (name.lower() == "pwd" and not bare.startswith("/")):
            yield from (bare, unquote(bare), bare.partition(",")[0])


def _in_members(members: Any, depth: int) -> Iterator[str]:
    """The secrets in parsed JSON."""
    pairs = members.items() if isinstance(members, dict) else (("", each) for each in members)
    for name, each in pairs:
        if isinstance(each, str):
            if _is_secret(name, each):
                yield from _lines(each)
            yield from _inside(each, depth + 1)
        elif isinstance(each, dict | list) and depth < MAX_DEPTH:
            yield from _in_members(each, depth + 1)


def _looks_random(value: str) -> bool:
    """True for a random mix of 32 or more upper-case, lower-case letters and digits: no name, commit, UUID or path."""
    runs = _CHANGES.findall(value) if _RANDOM.fullmatch(value) else []
    kinds = {"a" if run.islower() else "A" if run.isupper() else "0" for run in runs}
    return len(kinds) == len("aA0") and len(runs) > len(value) / 3


def _is_secret(name: str, value: str) -> bool:
    if not is_secret_name(name) or value.strip().lower() in _NO_VALUES:
        return False
    if value.strip().isdecimal():
        return is_password_name(name)
    return not _is_path(value)


def _is_path(value: str) -> bool:
    """True for an existing path, which is not a secret. A key may begin with a slash too."""
    if not value.startswith(("/", "~", "./")):
        return False
    try:
        return Path(value).expanduser().exists()
    except (OSError, RuntimeError, ValueError):
        return False


def _lines(value: str) -> Iterator[str]:
    lines = value.replace("\\n", "\n").splitlines()
    for line in lines if len(lines) > 1 else [value]:
        if not line.startswith("-----"):
            yield line.strip()


def _passwords_in_addresses(value: str) -> Iterator[str]:
    for token in _TOKEN_AS_USER.findall(value):
        yield from (token, unquote(token))
    for _, password in _PASSWORD_IN_ADDRESS.findall(value):
        yield password
        yield unquote(password)
    try:
        # A password with unencoded signs such as a slash.
        yield urlsplit(value).password or ""
    except ValueError:
        return


def forms_of(secret: str) -> set[str]:
    """The secret and its encodings in JSON, Python's repr, URLs, HTML, Base64 and hexadecimal digits."""
    as_json = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    as_json |= {_escaped_for_html(each, letters) for each in set(as_json) for letters in ("<>&", "<>&'")}
    forms = {secret, *as_json, *(each.replace("/", "\\/") for each in as_json)}
    forms |= {json.dumps(each)[1:-1] for each in as_json}  # JSON in JSON
    forms |= {repr(secret)[1:-1], ascii(secret)[1:-1], repr(f"{secret}'\"")[1:-1].removesuffix("\\'\"")}
    forms |= {quote(secret), quote(secret, safe=""), quote_plus(secret)}
    forms |= {re.sub("%..", lambda found: found[0].lower(), each) for each in set(forms) if "%" in each}
    encoded = secret.encode(errors="surrogatepass")
    forms.add("".join(f"%{byte:02X}" for byte in encoded))
    escaped = html.escape(secret)
    in_decimals = escaped.replace("&#x27;", "&#39;")
    forms |= {escaped, in_decimals, in_decimals.replace("&quot;", "&#34;"), html.escape(secret, quote=False)}
    forms |= {encoded.hex(), encoded.hex().upper(), *cores_in_base(encoded, 3, 4)}
    return {each for each in forms if len(each) >= min(MIN_SECRET_CHARS, len(secret))}


def _escaped_for_html(text: str, letters: str) -> str:
    return "".join(f"\\u{ord(letter):04x}" if letter in letters else letter for letter in text)
