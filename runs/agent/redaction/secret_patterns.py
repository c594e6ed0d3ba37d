"""Patterns of secrets that need not be known: provider keys, tokens, headers, addresses, private keys.

Every pattern takes linear time: a repetition either cannot fail, or can start only once in the text it scans.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Iterator

HIDDEN = "[hidden]"

_KEY_NAMES = (
    *("sk", "pk", "rk", "ags", "agh", "hf", "gsk", "xai", "npm", "shpat", "dop_v1", "github_pat", "glpat"),
    *(f"xox{kind}" for kind in "abeprs"),
    *(f"gh{kind}" for kind in "pousr"),
)
"""Prefixes of keys: OpenAI, Anthropic, Stripe, Agentsite (tokens and addresses of triggers), Hugging Face, Groq, xAI,
npm, Shopify, DigitalOcean, GitHub, GitLab, Slack."""
_KEYS = rf"""
    (?<![A-Za-z0-9])(?:
        (?:{"|".join(_KEY_NAMES)})[-_][\w*-]{{8,}}
      | SG\.[\w-]{{16,}}\.[\w-]{{16,}}                  # SendGrid
      | ya29\.[\w-]{{16,}}                            # Google, short-lived
      | AIza[\w-]{{20,}}
      | (?:AKIA|ASIA)[A-Z0-9]{{12,}}                  # AWS
    )
    | (?<![\w-])eyJ[\w-]{{8,}}\.[\w-]{{8,}}(?:\.[\w-]*)?  # a JSON web token
    | (?<=bearer\ )[\w.~+/=-]{{8,}}
    | (?<=://)[^\s/@:]*:[^\s/]+(?=@)                # user:password@host
    | (?<=hooks\.slack\.com/services/)[\w/]{{8,}}
    | (?<=/decide/)[\w.:%~-]{{16,}}                  # an address of this site: whoever has it may decide
    | (?<=/slack/link/)[\w.:%~-]{{16,}}
    | (?<=/accounts/first/)[\w-]{{16,}}
"""
_QUERY_NAMES = (
    r"(?:access|refresh|id|auth)?[-_]?token|(?:api|access|secret)?[-_]?key"
    r"|client[-_]?secret|secret|sig|signature|passw(?:or)?d|pwd"
)
_HEADERS = r"(?:proxy-)?authorization|x-api-key|api-key|x-goog-api-key|x-auth-token"

_Replacement = str | Callable[[re.Match[str]], str]


def _credentials(found: re.Match[str]) -> str:
    """Hide `user:password` in Base64; `basic understanding` is kept."""
    try:
        told = base64.b64decode(found[2] + "=" * (-len(found[2]) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        return found[0]
    return f"{found[1]}{HIDDEN}" if ":" in told and told.isprintable() else found[0]


_Rule = tuple[tuple[str, ...], re.Pattern[str], _Replacement]
_RULES: tuple[_Rule, ...] = (
    (
        (
            *(f"{name}{sign}" for name in _KEY_NAMES for sign in "-_"),
            *("sg.", "ya29.", "aiza", "akia", "asia", "eyj", "bearer ", "://", "hooks.slack.com"),
            *("/decide/", "/slack/link/", "/accounts/first/"),
        ),
        re.compile(rf"(?ix){_KEYS}"),
        HIDDEN,
    ),
    (("basic ",), re.compile(r"(?i)\b(basic )([A-Za-z0-9+/]{8,}={0,2})"), _credentials),
    (
        ("authorization", "api-key", "x-auth-token"),
        re.compile(
            rf"""(?ix)\b((?:{_HEADERS})["']?[ \t]{{0,4}}[:=,][ \t]{{0,4}}b?["']?(?:[A-Za-z]{{1,20}}[ ])?)
            [^\s"',;)\]]{{8,}}"""
        ),
        rf"\1{HIDDEN}",
    ),
    (
        ("cookie",),
        re.compile(r"""(?i)\b((?:set-)?cookie["']?[ \t]{0,4}[:,][ \t]{0,4}["']?)[^\s=;,"']{1,99}=[^\r\n"']+"""),
        rf"\1{HIDDEN}",
    ),
    (("sessionid=", "csrftoken="), re.compile(r"(?i)\b((?:__host-)?(?:sessionid|csrftoken)=)\w{16,}"), rf"\1{HIDDEN}"),
    (("=",), re.compile(rf"""(?i)([?&](?:{_QUERY_NAMES})=)[^&\s#"'<>]{{6,}}"""), rf"\1{HIDDEN}"),
    # Connection strings: `Server=…;Password=…`, and libpq's `host=… password=…`.
    (("password", "pwd"), re.compile(r"""(?i)(;[ \t]{0,4}(?:password|pwd)[ \t]{0,4}=)[^;\s"']+"""), rf"\1{HIDDEN}"),
    (("password", "pwd"), re.compile(r"""(?i)(?<![^\s"'])((?:password|pwd)=)[^;\s"']+(?=;)"""), rf"\1{HIDDEN}"),
    (
        ("password=",),
        re.compile(r"(?i)\b((?:host|hostaddr|port|user|dbname)=\S{1,255}[ ]password=)(?:'[^'\n]*'|\S+)"),
        rf"\1{HIDDEN}",
    ),
    (
        ("password=",),
        re.compile(r"(?i)(?<!\S)(password=)(?:'[^'\n]*'|\S+)(?=[ ](?:host|hostaddr|port|user|dbname|sslmode)=)"),
        rf"\1{HIDDEN}",
    ),
)
MARKS = tuple(sorted({mark for marks, _, _ in _RULES for mark in marks} - {"=", "cookie"} | {"cookie:", "pwd="}))
"""The possible beginnings of a match, in lower case. Used by `stream_redactor`."""
_ALL_MARKS = frozenset(mark for marks, _, _ in _RULES for mark in marks)
"""Searched before the patterns, which take a hundred times as long."""
_WORD_MARKS = frozenset(mark for mark in _ALL_MARKS if "-" not in mark and "_" not in mark)
"""A quarter of them: the only ones possible in a text without hyphens and underscores."""
_EVERYWHERE = "="
"""A mark found in most lines; its pattern is as fast as the search for it."""
_SHORTEST = 7
_LONG = 4096
"""Length from which the patterns are applied only to the lines with a mark, which are few in most texts."""
PEM_BEGIN, PEM_END = "-----BEGIN ", "-----END "


def redacted(text: str) -> str:
    """The text with `[hidden]` in place of everything that looks like a key or a password."""
    if len(text) < _SHORTEST:
        return text
    if PEM_BEGIN in text:
        text = "".join(_without_private_keys(text))
    lowered = text.lower()
    possible = _ALL_MARKS if "-" in lowered or "_" in lowered else _WORD_MARKS
    there = {mark for mark in possible if mark in lowered}
    if not there:
        return text
    rules = [rule for rule in _RULES if not there.isdisjoint(rule[0])]
    if len(text) < _LONG or len(lowered) != len(text):
        return _applied(rules, text)
    everywhere = [rule for rule in rules if _EVERYWHERE in rule[0]]
    parts: list[str] = []
    at = 0
    for begin, end in _lines_with(there - {_EVERYWHERE}, lowered):
        parts += (_applied(everywhere, text[at:begin]), _applied(rules, text[begin:end]))
        at = end
    return "".join([*parts, _applied(everywhere, text[at:])])


def _applied(rules: list[_Rule], text: str) -> str:
    for _, pattern, replacement in rules:
        text = pattern.sub(replacement, text)
    return text


def _lines_with(marks: Iterable[str], lowered: str) -> list[tuple[int, int]]:
    """The spans of the lines with a mark, in order. No pattern matches across lines."""
    found = set()
    for mark in marks:
        at = lowered.find(mark)
        while at >= 0:
            end = lowered.find("\n", at)
            end = len(lowered) if end < 0 else end
            found.add((lowered.rfind("\n", 0, at) + 1, end))
            at = lowered.find(mark, end)
    return sorted(found)


def _without_private_keys(text: str) -> Iterator[str]:
    """The text with `[hidden]` in place of PEM blocks of private keys; a block without an end extends to the end."""
    at = 0
    while (begin := text.find(PEM_BEGIN, at)) >= 0:
        label = text[begin + len(PEM_BEGIN) : begin + len(PEM_BEGIN) + 40]
        if "PRIVATE KEY" not in label:
            yield text[at : begin + len(PEM_BEGIN)]
            at = begin + len(PEM_BEGIN)
            continue
        yield f"{text[at:begin]}{HIDDEN}"
        end = text.find(PEM_END, begin)
        dashes = text.find("-----", end + len(PEM_END)) if end >= 0 else -1
        at = dashes + len("-----") if dashes >= 0 else len(text)
    yield text[at:]
