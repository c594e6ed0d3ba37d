"""Check the references of the documentation, without a network: `python -m tests.doc_check`, part of `make check`.

In README, CONTRIBUTING, ARCHITECTURE and every page in `docs/`: links to files and anchors, the paths of source files,
the targets of make, the commands of `manage.py`, and modules that are run with `python -m`. The README has to link to
every page in `docs/`.
"""

import re
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from django.core import management
from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT: Final = Path(__file__).resolve().parents[1]
TOP_PAGES: Final = ("README.md", "CONTRIBUTING.md", "ARCHITECTURE.md")
SOURCE_FOLDERS: Final = ("agentsite", "deploy", "docs", "local_model", "locale", "runs", "static", "templates", "tests")
EXAMPLE_FOLDERS: Final = ("shop",)
"""Folders that the reader of the documentation creates."""
EXAMPLE_FILES: Final = ("SKILL.md",)
"""Files that the reader creates."""

_MARKDOWN: Final = MarkdownIt("commonmark").enable("table")
_PATH: Final = re.compile(r"(?P<folder>[\w.@-]+)/(?:[\w.@*-]+/)*(?:[\w.@*-]+)?")
_SOURCE_FILE: Final = re.compile(r".*\.(?:css|html|js|md|py|service|toml|yaml)")
_TOP_FILE: Final = re.compile(r"[\w-]+\.(?:md|toml|txt|yaml)")
_COMMENT: Final = re.compile(r"#\s.*")
_MAKE: Final = re.compile(r"\bmake ([a-z][a-z-]*)")
_MANAGE: Final = re.compile(r"\bmanage\.py ([a-z_]+)")
_MODULE: Final = re.compile(r"\bpython3? -m ((?:runs|tests)\.[\w.]+)")


def pages(root: Path) -> list[Path]:
    """The checked pages."""
    return [*(root / name for name in TOP_PAGES), *sorted((root / "docs").rglob("*.md"))]


def faults(root: Path = ROOT) -> list[str]:
    """The broken references, one line each, with page and line."""
    found = [
        f"{page.relative_to(root)}:{line}: {fault}" for page in pages(root) for line, fault in page_faults(page, root)
    ]
    return found + [
        f"README.md: does not link to {page.relative_to(root)}"
        for page in sorted((root / "docs").rglob("*.md"))
        if page not in linked_files(root / "README.md")
    ]


def page_faults(page: Path, root: Path) -> Iterator[tuple[int, str]]:
    """The faults of one page, each with the line where its paragraph starts."""
    for line, token in tokens_of(page):
        match token.type:
            case "link_open" | "image":
                target = str(token.attrGet("href") or token.attrGet("src") or "")
                fault = link_fault(page, target)
                if fault:
                    yield line, fault
            case "code_inline":
                yield from (
                    (line, fault) for fault in (*path_faults(token.content, root), *command_faults(token, root))
                )
            case "fence" | "code_block":
                yield from ((line, fault) for fault in command_faults(token, root))


@cache
def tokens_of(page: Path) -> list[tuple[int, Token]]:
    """All tokens of a page, those inside of paragraphs too, each with its line."""
    flat: list[tuple[int, Token]] = []
    line = 1
    for token in _MARKDOWN.parse(page.read_text(encoding="utf-8")):
        line = token.map[0] + 1 if token.map else line
        flat.extend((line, each) for each in (token, *(token.children or ())))
    return flat


def link_fault(page: Path, target: str) -> str | None:
    """Why a link is broken; None for a valid link, and for one to another site."""
    parts = urlsplit(target)
    if parts.scheme or parts.netloc:
        return None
    file = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if not file.exists():
        return f"the link to {target} leads to no file"
    if parts.fragment and unquote(parts.fragment) not in anchors_of(file):
        return f"the link to {target} leads to no heading"
    return None


def linked_files(page: Path) -> set[Path]:
    """The files that a page links to."""
    targets = (str(token.attrGet("href")) for _, token in tokens_of(page) if token.type == "link_open")
    return {(page.parent / unquote(urlsplit(target).path)).resolve() for target in targets}


@cache
def anchors_of(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    anchors: set[str] = set()
    times: Counter[str] = Counter()
    tokens = _MARKDOWN.parse(page.read_text(encoding="utf-8"))
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            text = "".join(each.content for each in inline.children or ())
            slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
            anchors.add(f"{slug}-{times[slug]}" if times[slug] else slug)
            times[slug] += 1
    return anchors


def path_faults(text: str, root: Path) -> Iterator[str]:
    """A fault if `text` looks like the path of a source file or folder that does not exist."""
    match = _PATH.fullmatch(text)
    if match and match["folder"] in SOURCE_FOLDERS:
        if not any(root.glob(text.rstrip("/"))):
            yield f"there is no {text}"
    elif match and _SOURCE_FILE.fullmatch(text) and match["folder"] not in EXAMPLE_FOLDERS:
        yield f"{text} is not a path from the top of the repository"
    elif _TOP_FILE.fullmatch(text) and text not in EXAMPLE_FILES and not (root / text).exists():
        yield f"there is no {text} at the top of the repository"


def command_faults(token: Token, root: Path) -> Iterator[str]:
    """The targets of make, commands of manage.py and modules in a piece of code that do not exist."""
    code = "\n".join(_COMMENT.sub("", line) for line in token.content.splitlines())
    targets = set(re.findall(r"^([a-z-]+):", (root / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    yield from (f"there is no target {name} in the Makefile" for name in _MAKE.findall(code) if name not in targets)
    yield from (f"manage.py has no {name}" for name in _MANAGE.findall(code) if name not in commands_of(root))
    for module in _MODULE.findall(code):
        place = root / module.replace(".", "/")
        if not place.with_suffix(".py").exists() and not (place / "__main__.py").exists():
            yield f"there is no module {module}"


def commands_of(root: Path) -> set[str]:
    """The commands of manage.py: our own, and Django's."""
    own = management.find_commands(str(root / "runs" / "management"))
    return {*own, *management.find_commands(management.__path__[0])}


def main() -> int:
    """Print the faults; returns 1 if there are any."""
    found = faults()
    for fault in found:
        print(fault, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
