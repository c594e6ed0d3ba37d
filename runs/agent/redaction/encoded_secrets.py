"""Search for known secrets in encoded form: escaped, as byte values, in base 16, 32 or 64.

The text is decoded in linear time and searched for the known values; the encoded originals are hidden. Not decoded
are compression, encryption, reversed texts, binary digits, and nested Base64.
"""

import base64
import html
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator

MIN_CHARS = 8
LEVELS = 3
"""Levels of nested escapes that are decoded, as for JSON in a URL in HTML."""
TextSpan = tuple[int, int]

# A run of backslashes is one token; else a text of only backslashes would be scanned again from each of them.
_BACKSLASHES = r"\\++(?:u\{[0-9a-f]{1,6}\}|u[0-9a-f]{4}|U[0-9a-f]{8}|x[0-9a-f]{2}|[0-7]{1,3}|[abfnrtv\"'/`])?"
_PERCENT = r"%(?:25)*+(?:u[0-9a-f]{4}|[0-9a-f]{2})|%(?:25)+"
_ENTITY = r"&(?:amp;)*+(?:\#[0-9]{1,7};?|\#x[0-9a-f]{1,6};?|[a-z]{2,8};)"
_QUOTED = r"=(?-i:[0-9A-F]{2})|=\r?\n"
_ESCAPE = re.compile(rf"(?i){_BACKSLASHES}|{_PERCENT}|{_ENTITY}")
_ESCAPE_OR_QUOTED = re.compile(rf"(?i){_BACKSLASHES}|{_PERCENT}|{_ENTITY}|{_QUOTED}")
_IS_ESCAPED = re.compile(r"(?i)\\[ux0-7]|%[0-9a-fu]|&(?:amp;|\#)|=(?-i:[0-9A-F]{2})|=\r?\n")
_BEGUN_ESCAPE = re.compile(
    r"(?i)(?:\\+(?:u\{?[0-9a-f]{0,6}|U[0-9a-f]{0,7}|x[0-9a-f]?|[0-7]{0,2})|%(?:25)*2?(?:u[0-9a-f]{0,3}|[0-9a-f]?)"
    r"|&(?:amp;)*(?:\#x?[0-9a-f]{0,7}|[a-z]{0,8})|=[0-9A-F]?|=\r)$"
)
_CONTROLS = dict(zip("abfnrtv", "\a\b\f\n\r\t\v", strict=True))
# Only ASCII white space: in UTF-8 read as Latin-1, the last byte of a letter (of م, of à) is another one.
_BYTE = r"(?:0x)?[0-9a-f]{2}"
_HEX_RUN = re.compile(rf"(?ai){_BYTE}(?:[\s:,;_-]{{0,3}}{_BYTE}){{7,}}(?:[\s:,;_-]{{0,3}}(?:0x)?[0-9a-f]?)")
_HEX_TAIL = re.compile(r"(?ai)(?:0x|[0-9a-f]|[\s:,;_-])+$")
_HEX_OPEN = re.compile(r"0$")
_NO_HEX_DIGIT = re.compile(r"0x|[^0-9a-f]+")
_NUMBER_RUN = re.compile(r"(?a)(?<!\d)[0-9]{1,4}(?:[\s,;]{1,4}[0-9]{1,4}){7,}")
_NUMBER_TAIL = re.compile(r"(?a)[0-9\s,;]+$")
_NUMBER = re.compile(r"[0-9]+[^0-9]*|[^0-9]+")
_BASE_RUN = re.compile(r"[A-Za-z0-9+/_-]{10,}(?:\r?\n[A-Za-z0-9+/_-]{10,})*(?:\r?\n[A-Za-z0-9+/_-]+)?")
_BASE_TAIL = re.compile(r"[A-Za-z0-9+/_\r\n-]+$")
_LINE_END = re.compile(r"\r?\n")

_SEPARATORS = b" \t\n\r\v\f:,;_-xX"
_IS_HEX = bytes(ord("h") if chr(code) in "0123456789abcdefABCDEF" else ord(".") for code in range(256))
_HEX_DIGITS = b"h" * 16
_IS_BASE = bytes(code if re.match(r"[A-Za-z0-9+/_-]", chr(code)) else ord(" ") for code in range(256))
_BASE_CHARS, _LINE_CHARS = 10, 60


class _View:
    """A text with some tokens replaced, and the mapping of positions back to the source."""

    def __init__(self, text: str, tokens: re.Pattern[str], told: Callable[[str], str]) -> None:
        parts: list[str] = []
        self._there, self._ends, self._here, self._here_ends = [0], [0], [0], [0]
        at = length = 0
        for token in tokens.finditer(text):
            say = told(token[0])
            parts += (text[at : token.start()], say)
            length += token.start() - at
            self._there.append(length)
            length += len(say)
            self._ends.append(length)
            self._here.append(token.start())
            self._here_ends.append(token.end())
            at = token.end()
        self.text = "".join((*parts, text[at:]))

    def source(self, begin: int, end: int) -> TextSpan:
        """The span in the source text."""
        return self._place(begin)[0], self._place(end - 1)[1]

    def _place(self, at: int) -> TextSpan:
        token = bisect_right(self._there, at) - 1
        if at < self._ends[token]:
            return self._here[token], self._here_ends[token]
        place = self._here_ends[token] + at - self._ends[token]
        return place, place + 1


class _Needles:
    """Texts that are searched for: whole, or begun at the end of a text."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._sorted = sorted(set(texts))
        self._first_letters = frozenset(text[0] for text in self._sorted)
        self._longest = max(map(len, self._sorted), default=0)

    def __iter__(self) -> Iterator[str]:
        return iter(self._sorted)

    def __bool__(self) -> bool:
        return bool(self._sorted)

    def begun_in(self, text: str) -> int | None:
        """The position at the end of the text where one may begin; None if there is none. Called for each streamed
        piece: a binary search, because there are hundreds of needles."""
        for at in range(max(0, len(text) - self._longest + 1), len(text)):
            if text[at] in self._first_letters and self._some_begins_with(text[at:]):
                return at
        return None

    def _some_begins_with(self, beginning: str) -> bool:
        at = bisect_left(self._sorted, beginning)
        return at < len(self._sorted) and self._sorted[at].startswith(beginning)


_ANY_NUMBER = _Needles({"00"})
_Searched = tuple[Callable[[int, int], TextSpan], str, _Needles]
"""From a span of the decoded text to its source, the decoded text, and what is searched for in it."""


class EncodedSecrets:
    """The search for known secrets in encoded form. Spans count bytes: texts are UTF-8 read as Latin-1."""

    def __init__(self, secrets: Iterable[str]) -> None:
        known = [secret for secret in secrets if len(secret) >= MIN_CHARS]
        as_bytes = {code for secret in known for code in _codes(secret)}
        letters = {code.decode("latin-1") for code in as_bytes}
        self._letters = _Needles(letters | {_Levels.last(each) for each in letters})
        self._hex = _Needles(code.hex() for code in as_bytes)
        self._numbers = _Needles(letters)
        self._bases = _Needles(
            core for code in as_bytes for core in (*cores_in_base(code, 3, 4), *cores_in_base(code, 5, 8))
        )
        self._shortest_base = min(map(len, self._bases), default=0)
        self._is_empty = not known

    def spans(self, text: str) -> list[TextSpan]:
        """The spans of the secrets in the text, in order and merged."""
        if self._is_empty:
            return []
        text = _narrow(text)
        encoded = text.encode("latin-1")
        # `bytes.translate` is a hundred times faster than the patterns, so it decides whether they are needed.
        has_digits = _HEX_DIGITS in encoded.translate(_IS_HEX, _SEPARATORS)
        has_base = self._may_have_base(encoded)
        if not has_digits and not has_base and not _IS_ESCAPED.search(text):
            return []  # as nearly always: this is asked for each text of each step
        found: list[TextSpan] = []
        views = (*self._unescaped(text), *self._digits(text, at_end=False, has_digits=has_digits, has_base=has_base))
        for to_source, decoded, needles in views:
            for needle in needles:
                at = decoded.find(needle)
                while at >= 0:
                    found.append(to_source(at, at + len(needle)))
                    at = decoded.find(needle, at + len(needle))
        return _joined(found)

    def hidden(self, text: str, instead: str) -> str:
        """The text with `instead` in place of each secret."""
        if not (spans := self.spans(text)):
            return text
        narrow, at = _narrow(text), 0
        parts: list[str] = []
        for begin, end in spans:
            parts += (narrow[at:begin], instead)
            at = end
        return _wide("".join((*parts, narrow[at:])), text)

    def begun_at_end(self, text: str) -> int:
        """Number of characters at the end of the text that may begin a secret."""
        if self._is_empty:
            return 0
        narrow = _narrow(text)
        least = len(narrow)
        # An escape at the end may be complete or not, so both are searched.
        open_escape = _BEGUN_ESCAPE.search(narrow, max(0, len(narrow) - 40))
        before = narrow[: open_escape.start()] if open_escape else ""
        views = (*self._at_end(narrow), *self._at_end(before))
        digits = self._digits(narrow, at_end=True, has_digits=True, has_base=True)
        for to_source, decoded, needles in (*views, *digits):
            open_end = (_HEX_OPEN if needles is self._hex else _BEGUN_ESCAPE).search(decoded, max(0, len(decoded) - 40))
            ends = {len(decoded), open_end.start() if open_end else len(decoded)}
            if open_end and open_end.start() < len(decoded):
                least = min(least, to_source(open_end.start(), open_end.start() + 1)[0])
            for at in (needles.begun_in(decoded[:end]) for end in ends):
                if at is not None:
                    least = min(least, to_source(at, at + 1)[0])
        return len(_wide(narrow[least:], text))

    def _at_end(self, text: str) -> Iterator[_Searched]:
        yield lambda begin, end: (begin, end), text, self._letters
        yield from self._unescaped(text)

    def _unescaped(self, text: str) -> Iterator[_Searched]:
        if _IS_ESCAPED.search(text):
            for tokens in (_ESCAPE, _ESCAPE_OR_QUOTED):
                if tokens is _ESCAPE or "=" in text:
                    levels = _Levels(text, tokens)
                    for count, decoded in levels.texts():
                        yield levels.source_of(count), decoded, self._letters

    def _digits(self, text: str, *, at_end: bool, has_digits: bool, has_base: bool) -> Iterator[_Searched]:
        for runs, tail, tokens, told, needles in (
            (_HEX_RUN, _HEX_TAIL, _NO_HEX_DIGIT, lambda _: "", self._hex),
            (_NUMBER_RUN, _NUMBER_TAIL, _NUMBER, _decimal, self._numbers),
            (_NUMBER_RUN, _NUMBER_TAIL, _NUMBER, _octal, self._numbers),
            (_BASE_RUN, _BASE_TAIL, _LINE_END, lambda _: "", self._bases),
        ):
            if not (has_base if needles is self._bases else has_digits):
                continue
            if at_end:
                base = max(0, len(text) - 4096)
                last = tail.search(text[base:])
                if last and runs is _NUMBER_RUN:
                    # The last number may be incomplete: it is searched with the next piece.
                    yield from self._open_number(text, base)
                    last = tail.search(text[base:].rstrip("0123456789"))
                found = iter([(base + last.start(), last[0])] if last else [])
            else:
                found = ((run.start(), run[0]) for run in runs.finditer(text))
            for begin, run in found:
                view = _View(run.lower() if needles is self._hex else run, tokens, told)
                yield _moved(view, begin), view.text, needles

    def _open_number(self, text: str, base: int) -> Iterator[_Searched]:
        first = len(text[base:].rstrip("0123456789")) + base
        if first < len(text):
            yield lambda *_: (first, len(text)), "0", _ANY_NUMBER

    def _may_have_base(self, encoded: bytes) -> bool:
        words = [word for word in encoded.translate(_IS_BASE).split() if len(word) >= _BASE_CHARS]
        if not words:
            return False
        longest = max(map(len, words))
        if longest >= self._shortest_base:
            # Done for every step: `map` searches for hundreds of needles without a frame of Python for each.
            apart = b" ".join(word for word in words if len(word) >= self._shortest_base).decode()
            if any(map(apart.__contains__, self._bases)):
                return True
        if longest < _LINE_CHARS:
            return False
        return any(map(b"".join(words).decode().__contains__, self._bases))


class _Levels:
    """A text with its escapes decoded once, twice, and so on."""

    def __init__(self, text: str, tokens: re.Pattern[str]) -> None:
        self._views: list[_View] = []
        for _ in range(LEVELS):
            view = _View(text, tokens, _unescaped)
            if view.text == text:
                break
            self._views.append(view)
            text = view.text

    @classmethod
    def last(cls, text: str) -> str:
        """The text with all escapes decoded."""
        return next((each for _, each in reversed([*cls(text, _ESCAPE).texts()])), text)

    def texts(self) -> Iterator[tuple[int, str]]:
        """The number of decodings, with the decoded text."""
        return ((count, view.text) for count, view in enumerate(self._views, 1))

    def source_of(self, count: int) -> Callable[[int, int], TextSpan]:
        def source(begin: int, end: int) -> TextSpan:
            for view in reversed(self._views[:count]):
                begin, end = view.source(begin, end)
            return begin, end

        return source


def _moved(view: _View, by: int) -> Callable[[int, int], TextSpan]:
    def source(begin: int, end: int) -> TextSpan:
        begin, end = view.source(begin, end)
        return begin + by, end + by

    return source


def _unescaped(token: str) -> str:
    """The decoded escape, in UTF-8 read as Latin-1."""
    match token[0]:
        case "\\":
            rest = token.lstrip("\\")
            if not rest:
                return "\\"
            if rest[0] in "uU":
                return _character(int(rest[1:].strip("{}"), 16))
            if rest[0] == "x":
                return chr(int(rest[1:], 16))
            return chr(int(rest, 8) & 255) if rest.isdigit() else _CONTROLS.get(rest.lower(), rest)
        case "%":
            rest = token[1:]
            if rest[-5:-4].lower() == "u":
                return _character(int(rest[-4:], 16))
            return chr(int(rest[-2:], 16))
        case "&":
            return _narrow(html.unescape("&" + token[1:].replace("amp;", "") if token.lower() != "&amp;" else "&"))
        case _:
            return "" if token[-1] == "\n" else chr(int(token[1:], 16))


def _character(code: int) -> str:
    return _narrow(chr(code)) if code < 0x11_0000 else ""


def _decimal(token: str) -> str:
    digits = token.strip(" \t\n\r\v\f,;")
    return "" if not digits else chr(int(digits)) if len(digits) < 4 and int(digits) < 256 else "?"


def _octal(token: str) -> str:
    digits = token.strip(" \t\n\r\v\f,;")
    is_octal = len(digits) < 5 and "8" not in digits and "9" not in digits
    return "" if not digits else chr(int(digits, 8) & 255) if is_octal else "?"


def _codes(secret: str) -> Iterator[bytes]:
    """The secret as bytes: in UTF-8, Latin-1, both kinds of UTF-16, and with a plus for each space."""
    yield secret.encode(errors="surrogatepass")
    yield secret.replace(" ", "+").encode(errors="surrogatepass")
    yield secret.encode("utf-16-le", errors="surrogatepass").removesuffix(b"\0")
    yield secret.encode("utf-16-be", errors="surrogatepass").removeprefix(b"\0")
    if all(ord(letter) < 256 for letter in secret):
        yield secret.encode("latin-1")


def cores_in_base(code: bytes, group: int, digits: int) -> Iterator[str]:
    """The part of the encoding in Base64 (3 bytes in 4 digits) or Base32 (5 in 8) that does not depend on the data
    around it, for each alignment."""
    encode = base64.b64encode if digits == 4 else base64.b32encode
    bits = 8 * group // digits
    for before in range(group):
        whole = encode(b"\0" * before + code).decode().rstrip("=")
        core = whole[-(-before * 8 // bits) : (before + len(code)) * 8 // bits]
        if len(core) >= MIN_CHARS:
            yield from {core, core.replace("+", "-").replace("/", "_")} if digits == 4 else {core, core.lower()}


def _joined(spans: list[TextSpan]) -> list[TextSpan]:
    joined: list[TextSpan] = []
    for begin, end in sorted(spans):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((begin, end))
    return joined


def _narrow(text: str) -> str:
    return text if text.isascii() else text.encode(errors="surrogatepass").decode("latin-1")


def _wide(narrow: str, text: str) -> str:
    """The inverse of `_narrow`. A character that was cut is shown as U+FFFD."""
    if text.isascii():
        return narrow
    encoded = narrow.encode("latin-1")
    try:
        return encoded.decode(errors="surrogatepass")
    except UnicodeDecodeError:
        return encoded.decode(errors="replace")
