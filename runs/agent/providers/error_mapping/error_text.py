"""The text, codes and status in the body of an error response, in any of the known shapes."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import unescape
from http import HTTPStatus
from typing import Any

from runs.agent.json_data.json_types import JsonMapping, JsonObject

MAX_BODY_CHARS = 256 * 1024
"""Length limit of a parsed body: some errors are whole pages or logs, with the message at the beginning."""
MAX_TEXT_CHARS = 16 * 1024
"""Length limit of one text in the body."""
MAX_TEXTS = 20
MAX_DEPTH = 12

_WORDS = frozenset(
    {
        "detail",
        "details",
        "description",
        "error",
        "error_description",
        "error_message",
        "error_msg",
        "errormessage",
        "errors",
        "explanation",
        "failed_generation",
        "hint",
        "message",
        "messages",
        "msg",
        "raw",
        "reason_phrase",
        "remedy_hint",
        "status_msg",
        "suggestion",
        "suggestions",
        "title",
    }
)
"""Names of members with text for people, in lower case. Strings under other names are ids, addresses and the like."""
_CODES = frozenset(
    {"__type", "code", "error_code", "error_type", "errorcode", "quotaid", "reason", "status", "status_code", "type"}
)
"""Names of members with machine-readable codes, in lower case."""
_CODE_TEXT = re.compile(r"[A-Za-z0-9_.:-]{1,80}")
"""A code is one word. Anything else under the name of a code is text for people."""
_CONTROL = dict.fromkeys((*range(32), 127), " ")

_PAGE = re.compile(r"\s*<(?:!doctype html|html|head|body)\b", re.IGNORECASE)
_HEADINGS = tuple(re.compile(rf"<{tag}\b[^>]{{0,300}}>([^<]{{1,300}})", re.IGNORECASE) for tag in ("title", "h1", "h2"))


@dataclass(frozen=True, slots=True)
class ErrorText:
    """The parsed body of an error response."""

    texts: tuple[str, ...] = ()
    """The explanations, the outermost first, without repetitions."""
    codes: tuple[str, ...] = ()
    """The machine-readable codes, types and statuses, as written."""
    reasons: tuple[str, ...] = ()
    """The error codes among `codes`; unlike types they may add to the explanations."""
    status: int | None = None
    """The HTTP status inside the body, if any: gateways send 200 before they know the outcome."""
    fields: JsonMapping = field(default_factory=dict)
    """The numbers in the body by name in lower case; the outermost of a name that appears twice."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Response headers of the upstream server quoted by a gateway, names in lower case."""
    provider_name: str = ""
    """The upstream provider behind a gateway, if stated."""
    request_id: str = ""
    is_page: bool = False
    """True for a web page; `texts` then has its title."""
    is_json: bool = False

    @property
    def words(self) -> str:
        """The explanations as one text; empty if there are none."""
        ended = (".", "!", "?", ":", "。")
        sentences = [text if text.endswith(ended) else f"{text}." for text in self.texts[:-1]]
        return " ".join([*sentences, *self.texts[-1:]])

    @property
    def searched(self) -> str:
        """Texts and codes in lower case, to be searched by patterns."""
        return " ".join((*self.texts, *self.codes)).lower()

    def told(self, status: int | None = None) -> str:
        """The message for people: the texts, the upstream provider, and the code where it adds something. For an empty
        body the meaning of its status."""
        words = self.words
        if not words:
            words = ", ".join(dict.fromkeys(self.codes)) or f"no explanation ({phrase_of(status)})"
        words = f"from {self.provider_name}: {words}" if self.provider_name else words
        known = words.lower()
        codes = dict.fromkeys(code for code in self.reasons if _says_more(code) and code.lower() not in known)
        return f"{words} ({', '.join([*codes][:2])})" if codes else words


def phrase_of(status: int | None) -> str:
    """The standard phrase of an HTTP status."""
    try:
        return HTTPStatus(status or 0).phrase
    except ValueError:
        return "an empty body"


def error_text(body: object) -> ErrorText:
    """Parse the body: JSON values, JSON as text or bytes, a web page, or plain text. Never raises."""
    value = json_value(body)
    if isinstance(value, str):
        return _of_plain_text(value)
    if value is None:
        return ErrorText()
    found = _Found()
    found.read(value, named="error", depth=0)
    return found.text() if found.texts or found.codes else ErrorText((_shown(value),), is_json=True)


def json_value(body: object) -> Any:
    """The body as a JSON value; text that is not a JSON object or list stays text. Never raises."""
    if isinstance(body, bytes | bytearray):
        body = bytes(body[: 4 * MAX_BODY_CHARS]).decode(errors="replace")
    if not isinstance(body, str):
        return body
    text = body[:MAX_BODY_CHARS].strip().lstrip("\ufeff")
    if not text.startswith(("{", "[")):
        return text
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return text


def _of_plain_text(text: str) -> ErrorText:
    if not text:
        return ErrorText()
    if _PAGE.match(text):
        return ErrorText((_about(text),), is_page=True)
    return ErrorText((_clean(text),))


def _about(page: str) -> str:
    """The title or first heading of an HTML page: proxies and web sites at a wrong address answer with whole pages."""
    for heading in _HEADINGS:
        found = heading.search(page[:MAX_TEXT_CHARS])
        if found and (words := _clean(unescape(found[1]))):
            return f"a web page, “{words}”"
    return "a web page, not the reply of a model"


def _clean(text: str) -> str:
    return " ".join(text[:MAX_TEXT_CHARS].translate(_CONTROL).split())


def _shown(value: Any) -> str:
    try:
        return _clean(json.dumps(value, ensure_ascii=False, default=str))
    except (ValueError, RecursionError):
        return "JSON that is nested too deeply"


def _says_more(code: str) -> bool:
    """True for a code such as `insufficient_quota`. A type such as `invalid_request_error` or `INVALID_ARGUMENT` only
    repeats the status."""
    return "_" in code and not code.isupper() and not code.endswith("_error")


class _Found:
    """The values collected from a body so far."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.codes: list[str] = []
        self.reasons: list[str] = []
        self.status: int | None = None
        self.fields: JsonObject = {}
        self.headers: dict[str, str] = {}
        self.provider_name = ""
        self.request_id = ""

    def text(self) -> ErrorText:
        return ErrorText(
            tuple(self.texts),
            tuple(self.codes),
            tuple(self.reasons),
            self.status,
            self.fields,
            self.headers,
            self.provider_name,
            self.request_id,
            is_json=True,
        )

    def read(self, value: Any, *, named: str, depth: int) -> None:
        """Collect from a value with the given name."""
        if depth > MAX_DEPTH:
            return
        match value:
            case dict() if isinstance(value.get("loc"), list) and isinstance(value.get("msg"), str):
                # The error format of FastAPI and pydantic: location and message.
                self._add(f"{'.'.join(str(part) for part in value['loc'][:20])}: {value['msg']}")
            case dict():
                for name, each in _outermost_first(value):
                    self.read(each, named=name.lower(), depth=depth + 1)
            case list() | tuple():
                for each in value[:MAX_TEXTS]:
                    self.read(each, named=named, depth=depth + 1)
            case str():
                self._read_text(value, named, depth)
            case bool() | None:
                pass
            case int() | float():
                self._read_number(value, named)

    def _read_text(self, text: str, named: str, depth: int) -> None:
        if named in ("provider_name", "provider") and not self.provider_name:
            self.provider_name = _clean(text)[:80]
        elif named in ("request_id", "requestid") and not self.request_id:
            self.request_id = _clean(text)[:80]
        elif named.startswith(("x-ratelimit", "retry-after")):
            self.headers.setdefault(named, text[:100])
        elif named == "retrydelay":
            self.fields.setdefault(named, text[:40])
        elif named in _CODES:
            self._read_code(text, named)
        elif named in _WORDS:
            inner = json_value(text)
            if isinstance(inner, str):
                self._add(_about(text) if _PAGE.match(text) else _clean(text))
            else:
                self.read(inner, named=named, depth=depth + 1)

    def _read_code(self, text: str, named: str) -> None:
        if text.isascii() and text.isdecimal():
            self._read_number(int(text[:9]), named)
        if _CODE_TEXT.fullmatch(text):
            if text != "error" and len(self.codes) < MAX_TEXTS:
                self.codes.append(text)
                if named.endswith("code") or named == "reason":
                    self.reasons.append(text)
        else:
            self._add(_clean(text))

    def _read_number(self, number: float, named: str) -> None:
        self.fields.setdefault(named, number)
        if named == "code" and isinstance(number, int):
            self.codes.append(str(number))
        is_status = named in ("code", "status", "status_code", "error_code", "http_status")
        if is_status and self.status is None and isinstance(number, int) and 400 <= number <= 599:
            self.status = number

    def _add(self, text: str) -> None:
        """Add an explanation unless another one contains it."""
        if text and len(self.texts) < MAX_TEXTS and not any(text in known for known in self.texts):
            self.texts.append(text)


def _outermost_first(value: Mapping[Any, Any]) -> Iterator[tuple[str, Any]]:
    """The members of an object, scalars before objects and lists."""
    entries = [(str(name), each) for name, each in value.items()]
    yield from ((name, each) for name, each in entries if not isinstance(each, dict | list))
    yield from ((name, each) for name, each in entries if isinstance(each, dict | list))
