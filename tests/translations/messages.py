"""The strings of the product that are marked for translation, and where."""

import ast
import codecs
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import django
from django.conf import settings
from django.template import engines
from django.template.base import FilterExpression, Node, Variable
from django.templatetags.i18n import BlockTranslateNode, TranslateNode
from django.utils import translation
from django.utils.functional import Promise

ROOT: Final = Path(__file__).resolve().parents[2]
TEMPLATES, STATIC = ROOT / "templates", ROOT / "static"

SENTENCES: Final = ("ErrorSentence", "FaultSentence", "StepSentence")
"""The classes of sentences that are stored as plain texts."""
FUNCTIONS: Final[dict[str, tuple[str, ...]]] = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop", "words", "Wording", *SENTENCES), ("id",)),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), ("id", "plural")),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), ("context", "id")),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), ("context", "id", "plural")),
}
"""The functions that mark a string, in Python and in scripts, and what their first arguments are."""


@dataclass(frozen=True, slots=True, order=True)
class Message:
    """A marked string."""

    path: str
    """Its file, from the top of the repository."""
    line: int
    id: str
    plural: str = ""
    context: str = ""


def set_up() -> None:
    """Load Django, for a program that is not a test."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    if not settings.configured or not engines.templates:
        django.setup()


def every_message() -> list[Message]:
    """All marked strings of the product, by file and line."""
    found = [
        *(each for path in templates() for each in in_template(path)),
        *(each for path in modules() for each in in_module(path)),
        *(each for path in scripts() for each in in_script(path)),
    ]
    return sorted(set(found))


def templates() -> list[Path]:
    """The product's templates."""
    return sorted(TEMPLATES.rglob("*.html"))


def modules() -> list[Path]:
    """The product's Python modules."""
    paths = [*(ROOT / "runs").rglob("*.py"), *(ROOT / "agentsite").rglob("*.py")]
    return sorted(path for path in paths if "migrations" not in path.parts)


def scripts() -> list[Path]:
    """The product's scripts, without the catalogs."""
    return sorted(path for path in STATIC.rglob("*.js") if path.parent.name != "words")


def name_of(path: Path) -> str:
    """The path from the top of the repository."""
    return path.relative_to(ROOT).as_posix()


# --- Templates: by Django's own parser, so that a string is here exactly as a page asks for it ---


def in_template(path: Path) -> Iterator[Message]:
    """The strings that a template marks with `translate`, `blocktranslate` or `_()`."""
    made: Any = engines["django"].get_template(path.relative_to(TEMPLATES).as_posix())
    nodes = made.template.nodelist
    for node in nodes.get_nodes_by_type(Node):
        line = node.token.lineno if node.token else 0
        if isinstance(node, TranslateNode):
            context = node.message_context.var if node.message_context else ""
            if isinstance(text := node.filter_expression.var, Variable):
                yield Message(name_of(path), line, str(text.literal).replace("%", "%%"), context=str(context))
            elif isinstance(text, str):
                yield Message(name_of(path), line, text.replace("%", "%%"), context=str(context))
        elif isinstance(node, BlockTranslateNode):
            yield _block(node, name_of(path), line)
        else:
            for text in _marked_literals(vars(node).values()):
                yield Message(name_of(path), line, text.replace("%", "%%"))


def _block(node: BlockTranslateNode, path: str, line: int) -> Message:
    singular, _names = node.render_token_list(node.singular)
    plural = node.render_token_list(node.plural)[0] if node.plural and node.countervar and node.counter else ""
    context = str(node.message_context.var) if node.message_context else ""
    return Message(path, line, singular, plural, context)


def _marked_literals(parts: Iterable[Any]) -> Iterator[str]:
    """The literals `_("…")` among the arguments of a tag."""
    for part in parts:
        if isinstance(part, Promise):  # Django has asked for the translation already, and shows it later.
            with translation.override(None):
                yield str(part)
        elif isinstance(part, FilterExpression):
            arguments = [argument for _function, given in part.filters for _is_lookup, argument in given]
            yield from _marked_literals([part.var, *arguments])
        elif isinstance(part, Variable):
            if part.translate and isinstance(part.literal, str):
                yield str(part.literal)
        elif isinstance(part, dict):
            yield from _marked_literals(part.values())
        elif isinstance(part, list | tuple) and not any(isinstance(each, Node) for each in part):
            yield from _marked_literals(part)
        elif hasattr(part, "first") and hasattr(part, "second"):  # The condition of an `if`.
            yield from _marked_literals([part.first, part.second])
        elif hasattr(part, "value") and isinstance(part.value, FilterExpression):
            yield from _marked_literals([part.value])


# --- Python ---


def in_module(path: Path) -> Iterator[Message]:
    """The strings that a module marks."""
    for call in ast.walk(ast.parse(path.read_text())):
        if not isinstance(call, ast.Call) or (names := FUNCTIONS.get(function_of(call))) is None:
            continue
        texts = [each.value for each in call.args[: len(names)] if isinstance(each, ast.Constant)]
        if len(texts) == len(names) and all(isinstance(text, str) and text for text in texts):
            given = {each.arg: each.value.value for each in call.keywords if isinstance(each.value, ast.Constant)}
            plural = {"plural": str(given["plural"])} if "plural" in given else {}
            yield Message(name_of(path), call.lineno, **dict(zip(names, map(str, texts), strict=True)), **plural)


def function_of(call: ast.Call) -> str:
    """The name of the called function or method."""
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


# --- Scripts ---

_STRING = r"\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'"
_MARKED = re.compile(rf"(?<![\w.])(?P<function>n?p?gettext)\(\s*(?P<texts>(?:{_STRING})(?:\s*[+,]\s*(?:{_STRING}))*)")
_NEXT = re.compile(rf"(?P<text>{_STRING})\s*(?P<and>[+,]?)\s*")
_COMMENT = re.compile(rf"(?P<kept>{_STRING}|`(?:\\.|[^`\\])*`)|//[^\n]*|/\*.*?\*/", re.DOTALL)


def in_script(path: Path) -> Iterator[Message]:
    """The strings that a script marks."""
    source = without_comments(path.read_text())
    for found in _MARKED.finditer(source):
        names = FUNCTIONS[found["function"]]
        texts = [""]
        for part in _NEXT.finditer(found["texts"]):
            texts[-1] += text_of(part["text"])
            if part["and"] == ",":
                texts.append("")
        if len(texts) < len(names):
            raise ValueError(f"{name_of(path)}: {found[0]!r} has too few texts.")
        line = source.count("\n", 0, found.start()) + 1
        yield Message(name_of(path), line, **dict(zip(names, texts, strict=False)))


def without_comments(source: str) -> str:
    """A script without its comments, on the same lines."""
    return _COMMENT.sub(lambda found: found["kept"] or "\n" * found[0].count("\n"), source)


def text_of(literal: str) -> str:
    """The text of a JavaScript string literal."""
    inside = literal[1:-1]
    return codecs.decode(inside.encode("latin1", "backslashreplace"), "unicode_escape") if "\\" in inside else inside
