"""Strings that people read and that are not marked for translation."""

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

from django.template.base import Lexer, Token, TokenType

from tests.translations.messages import (
    FUNCTIONS,
    function_of,
    modules,
    name_of,
    scripts,
    templates,
    text_of,
    without_comments,
)

LETTER = re.compile(r"[^\W\d_]")
_TAG = " \ue000 "
"""Stands where a template has a tag or a variable."""
NAMES: Final = {
    *("Agentsite", "UTC", "USD", "JSON", "JSONL", "CSV", "API", "AG-UI", "OpenAPI", "HTTP", "MCP"),
    *("Ctrl", "Esc", "Enter", "Escape", "Arrow"),
    *("Cookie", "Lax", "Authorization", "Accept", "Refresh"),
    *("GitHub", "Slack", "Standard", "Webhooks"),
    *("Firefox", "Edg", "Edge", "Chrome", "Safari", "Android", "iPhone", "iPad", "Windows", "Mac", "OS", "Linux"),
}
"""Names, which are the same in every language."""
READ_ALOUD: Final = {"title", "alt", "placeholder", "label", "aria-label", "aria-description", "aria-roledescription"}
"""Attributes that people read, or hear."""
NOT_READ: Final = {"code", "kbd", "samp", "script", "style"}
"""Elements whose text is for machines, or is typed as it stands."""
_DEFAULTS = re.compile(r"\|\s*(?:default|default_if_none|yesno|pluralize):\s*\"([^\"]*)\"")
_GIVEN = re.compile(r"\b(?!class)[\w-]+=\"([^\"]*)\"")
_ATTRIBUTES = re.compile(r"[\w-]+=\"[^\"]*\"|(?<![\w-])(?:data|aria)-[\w-]+")
"""Of a partial that is included inside of a tag."""


def is_prose(text: str) -> bool:
    """True for words that are made to be read: a capital letter first, or several words."""
    words = text.split()
    if not words or any(mark in text for mark in ("SELECT ", "_id", "=%s", "{%", "</")):
        return False
    plain = [word for word in words if re.fullmatch(r"[^\W\d_][\w'’,.:;?!…-]*", word)]
    if len(words) == 1:
        return bool(re.fullmatch(r"[A-Z][a-z]+(?:-[a-z]+)*[.…?!:]?", text)) and text not in NAMES
    return len(plain) >= 2 and (len(plain) >= len(words) / 2)


# --- Templates ---


def in_template(path: Path) -> Iterator[str]:
    """Each unmarked text of a template, as `file:line: text`."""
    found = _Texts()
    found.feed("".join(_without_tags(path.read_text())))
    found.close()
    for line, text in [*found.texts, *_given(path.read_text())]:
        words = " ".join(_ATTRIBUTES.sub(" ", text.replace(_TAG.strip(), " ")).split())
        if LETTER.search(re.sub(r"[\w-]+", lambda word: "" if word[0] in NAMES else word[0], words)):
            yield f"{name_of(path)}:{line}: {words}"


def _without_tags(source: str) -> Iterator[str]:
    """The source with a mark for each tag, on the same lines. Translated texts are gone, defaults in filters stay."""
    inside, in_class = "", False
    for token in Lexer(source).tokenize():
        name = token.split_contents()[0] if token.token_type is TokenType.BLOCK else ""
        if inside:
            inside = "" if name == inside else inside
            yield "\n" * token.contents.count("\n")
        elif token.token_type is TokenType.TEXT:
            yield "" if in_class else token.contents
        elif name in ("block", "endblock"):
            in_class = name == "block" and token.split_contents()[1].endswith("_class")
            yield _TAG
        elif name in ("blocktranslate", "blocktrans", "comment"):
            inside = f"end{name}"
            yield _TAG
        elif token.token_type is not TokenType.COMMENT:
            defaults = _DEFAULTS.findall(token.contents) if token.token_type is TokenType.VAR else []
            yield _TAG + " ".join(defaults) + "\n" * token.contents.count("\n")


def _given(source: str) -> Iterator[tuple[int, str]]:
    """Prose that an `include` or a `with` is given."""
    for token in Lexer(source).tokenize():
        if token.token_type is TokenType.BLOCK and token.split_contents()[0] in ("include", "with", "lucide"):
            for text in _GIVEN.findall(token.contents):
                if is_prose(text):
                    yield _line_of(token), text


def _line_of(token: Token) -> int:
    return token.lineno or 0


class _Texts(HTMLParser):
    """Collects what people read of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[tuple[int, str]] = []
        self._unread = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._unread += tag in NOT_READ
        is_button = tag == "input" and {"submit", "button", "reset"} & {
            value for name, value in attrs if name == "type"
        }
        for name, value in attrs:
            if value and (
                name in READ_ALOUD
                or (name == "value" and is_button)
                or (name.startswith("data-") and is_prose(value) and value[0].isupper())
            ):
                self.texts.append((self.getpos()[0], value))

    def handle_endtag(self, tag: str) -> None:
        self._unread -= tag in NOT_READ

    def handle_data(self, data: str) -> None:
        if not self._unread:
            self.texts.extend(enumerate(data.split("\n"), self.getpos()[0]))


# --- Python ---

_ERRORS: Final = re.compile(
    r"(?:Runtime|Value|Type|Assertion|Lookup|Key|Attribute|NotImplemented|Index)Error|ImproperlyConf"
)
_LOGS: Final = {"debug", "info", "warning", "error", "exception", "critical", "log"}
_FOR_MACHINES: Final = {
    "compile",
    "cast",
    "TypeVar",
    "ParamSpec",
    "getLogger",
    "fullmatch",
    "match",
    "strftime",
    "split",
}
_NOT_READ_KEYWORDS: Final = {
    "name",
    "icon",
    "related_name",
    "app_label",
    "content_type",
    "headers",
    "description",
    "encoding",
    "unit",
}


def in_module(path: Path) -> Iterator[str]:
    """Each unmarked text of a module, as `file:line: text`. A line with `# not translated: why` is left out."""
    source = path.read_text()
    tree, lines = ast.parse(source), source.splitlines()
    for line, text in sorted(set(_prose(tree))):
        if "# not translated:" not in lines[line - 1]:
            yield f"{name_of(path)}:{line}: {text}"


def _prose(node: ast.AST) -> Iterator[tuple[int, str]]:
    if _is_unread(node):
        return
    if (text := _literal(node)) and is_prose(text):
        yield getattr(node, "lineno", 0), text
    for part in _parts(node):
        yield from _prose(part)


def _is_unread(node: ast.AST) -> bool:
    """True for what nobody reads: docstrings, log messages, errors of programmers; and for what is marked."""
    match node:
        case ast.Expr(value=ast.Constant()):
            return True
        case ast.Call():
            return function_of(node) in FUNCTIONS or function_of(node) in _FOR_MACHINES or _is_log(node)
        case ast.Raise(exc=ast.Call() as call):
            return bool(_ERRORS.match(function_of(call)))
        case ast.keyword(arg=name):
            return name in _NOT_READ_KEYWORDS
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name.startswith("__")
        case _:
            return False


def _literal(node: ast.AST) -> str:
    """The text of a string, with a number for each part that is filled in; empty for other nodes."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(str(part.value) if isinstance(part, ast.Constant) else "1" for part in parts)
        case _:
            return ""


def _parts(node: ast.AST) -> Iterator[ast.AST]:
    """The parts that may hold texts: no annotations, keys or compared values."""
    match node:
        case ast.JoinedStr(values=parts):
            yield from (part.value for part in parts if isinstance(part, ast.FormattedValue))
        case ast.AnnAssign(value=value):
            yield from [value] if value else []
        case ast.Dict(values=values):
            yield from values
        case ast.FunctionDef(body=body, args=given) | ast.AsyncFunctionDef(body=body, args=given):
            yield from [*body, *given.defaults, *(each for each in given.kw_defaults if each)]
        case ast.Subscript() | ast.Compare():
            yield from (part for part in ast.walk(node) if isinstance(part, ast.Call))
        case _:
            yield from ast.iter_child_nodes(node)


def _is_log(call: ast.Call) -> bool:
    return (
        isinstance(call.func, ast.Attribute)
        and call.func.attr in _LOGS
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id in ("logger", "log", "logging")
    )


SHOWN: Final = ("runs/web", "runs/admin", "runs/live", "runs/models", "runs/templatetags")
SHOWN_OF_THE_AGENT: Final = (
    *("setting", "run_limits", "model_settings", "all_settings", "unfinished_thought", "tool_calls/call_states"),
    *("errors/remedies",),
)
"""Modules of the agent with labels that pages show. Its other texts are for models, logs and programs."""


FOR_PROGRAMS: Final = {"runs/web/metrics.py", "runs/live/sockets/connections.py", "runs/database_outages.py"}
"""Metrics, reasons for the log, and what operators read of an outage there, from probes and from commands. The few
words of it that pages show are marked."""


FOR_DEVELOPERS: Final = ("runs/web/styleguide/", "templates/styleguide/")
"""The style guide, and the sentences that it shows as samples."""


def is_shown(path: Path) -> bool:
    """True for a module whose texts pages show. The API and the commands are in English."""
    name = name_of(path)
    if name in FOR_PROGRAMS or name.startswith(FOR_DEVELOPERS):
        return False
    return name.startswith(SHOWN) or name in {f"runs/agent/{each}.py" for each in SHOWN_OF_THE_AGENT}


# --- Scripts ---

_LITERAL = re.compile(
    r"(?P<text>\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*')|`(?P<template>(?:\\.|[^`\\])*)`"
    r"|(?<=[=(,:!&|?;{}\n] )/(?![/*])(?:\\.|\[(?:\\.|[^\]\\])*\]|[^/\\\n])+/[a-z]*"
)
_MARKED_CALL = re.compile(
    r"n?p?gettext\((?:\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|`[^`]*`|[^()\"'`]|\((?:[^()]|\([^()]*\))*\))*\)"
)
_FOR_THE_BROWSER = re.compile(r"[\[\]=<>{}#|]|\w\(|^\.|:\w|^(?:input|button|select|td|textarea)\b")
"""Selectors and the like."""
_INSERTED = re.compile(r"\$\{[^{}]*\}")


def in_script(path: Path) -> Iterator[str]:
    """Each unmarked text of a script, as `file:line: text`."""
    source = _MARKED_CALL.sub(lambda found: "\n" * found[0].count("\n"), without_comments(path.read_text()))
    for found in _LITERAL.finditer(source):
        line = source.count("\n", 0, found.start()) + 1
        text = text_of(found["text"]) if found["text"] else _INSERTED.sub("1", found["template"] or "")
        if is_prose(text) and not _FOR_THE_BROWSER.search(text) and "throw new" not in _line(source, line):
            yield f"{name_of(path)}:{line}: {text}"


def _line(source: str, number: int) -> str:
    return source.splitlines()[number - 1]


LIST: Final = Path(__file__).with_name("unmarked_files.txt")
"""The files that still have unmarked strings, one a line: the list only becomes shorter."""


def listed(path: Path) -> list[str]:
    """The lines of such a list, without its comments."""
    return [line for line in path.read_text().splitlines() if line and not line.startswith("#")]


def faults_by_file() -> dict[str, list[str]]:
    """The unmarked strings of each file that has some."""
    checked = [
        *((path, in_template) for path in templates() if not name_of(path).startswith(FOR_DEVELOPERS)),
        *((path, in_module) for path in modules() if is_shown(path)),
        *((path, in_script) for path in scripts()),
    ]
    return {name_of(path): found for path, check in checked if (found := list(check(path)))}
