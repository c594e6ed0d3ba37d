"""Check how templates, styles and scripts are written: `python -m tests.page_check`, part of `make check`.

Lines have at most 140 characters, a style sheet one declaration a line; classes are words with single hyphens, and a
class in a template has a rule.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TEMPLATES, STATIC = ROOT / "templates", ROOT / "static"
MOST_CHARS = 140

COMMENT_OR_STRING = re.compile(r"/\*.*?\*/|\"[^\"\n]*\"|url\([^)]*\)", re.DOTALL)
CLASS_IN_RULE = re.compile(r"\.([A-Za-z_][\w-]*)")
CLASS_ATTRIBUTE = re.compile(r'\bclass="((?:{%.*?%}|{{.*?}}|[^"])*)"')
TEMPLATE_TAG = re.compile(r"{%.*?%}")
COMPUTED_NAME = re.compile(r"\S*{{.*?}}\S*")
ANY_IN_HAS = re.compile(r":has\((?:[^()]*[\s>+~])?\*|:has\([^()]*:not\(\[hidden\]\)")
PLAIN_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
MADE = "words"
"""The folder of scripts that `tests.translations` makes."""
DJANGO_ADMIN = "admin"
"""Classes that Django's templates use."""


def faults() -> Iterator[str]:
    """Each fault as `file:line: message`."""
    sheets = sorted(STATIC.rglob("*.css"))
    templates = sorted(TEMPLATES.rglob("*.html"))
    scripts = sorted(path for path in STATIC.rglob("*.js") if path.parent.name != MADE)
    for path in [*templates, *sheets, *scripts]:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if len(line) > MOST_CHARS:
                yield _fault(path, number, f"{len(line)} characters; at most {MOST_CHARS}")
    known = set()
    for path in sheets:
        rules = COMMENT_OR_STRING.sub(lambda found: "\n" * found[0].count("\n"), path.read_text())
        known |= set(CLASS_IN_RULE.findall(rules))
        yield from _faults_of_rules(path, rules)
    for path in templates:
        yield from _faults_of_classes(path, known)


def _faults_of_rules(path: Path, rules: str) -> Iterator[str]:
    for number, line in enumerate(rules.splitlines(), 1):
        if line.count(";") > 1:
            yield _fault(path, number, "more than one declaration")
        if ANY_IN_HAS.search(line):
            # A browser then looks at such rules again for every element that comes, on each page with the sheet.
            yield _fault(path, number, "`:has()` of any element: name a class or an attribute")
        for name in CLASS_IN_RULE.findall(line) if path.stem != DJANGO_ADMIN else ():
            if not PLAIN_NAME.fullmatch(name):
                yield _fault(path, number, f"class {name}: words with single hyphens")


def _faults_of_classes(path: Path, known: set[str]) -> Iterator[str]:
    if path.is_relative_to(TEMPLATES / DJANGO_ADMIN):
        return
    source = path.read_text()
    for found in CLASS_ATTRIBUTE.finditer(source):
        for name in COMPUTED_NAME.sub(" ", TEMPLATE_TAG.sub(" ", found[1])).split():
            if name not in known:
                yield _fault(path, source.count("\n", 0, found.start()) + 1, f"class {name} has no rule")


def _fault(path: Path, number: int, words: str) -> str:
    return f"{path.relative_to(ROOT)}:{number}: {words}"


def main() -> int:
    """Print the faults. Returns 1 if there are any."""
    found = list(faults())
    print(*found or ["Templates, styles and scripts are as they should be."], sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
