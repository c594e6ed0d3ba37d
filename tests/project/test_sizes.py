"""Files and functions that a reader can take in."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("agentsite", "examples", "local_model", "runs", "static", "templates", "tests")
KINDS = {".py", ".js", ".css", ".html"}
MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_A_FUNCTION = 60


def files() -> Iterator[Path]:
    """What is written here: Django writes the migrations."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in KINDS and path.parent != ROOT / "runs" / "migrations":
                yield path


def lengths_of_functions(source: str) -> Iterator[tuple[str, int]]:
    """Each function with its lines, signature and docstring included, decorators not."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            yield node.name, node.end_lineno - node.lineno + 1


def test_no_file_has_more_than_400_lines() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in files()}

    assert {name for name, lines in lengths.items() if lines > MOST_LINES_OF_A_FILE} == set()
    assert len(lengths) > 1_000


def test_no_function_has_more_than_60_lines() -> None:
    modules = {str(path.relative_to(ROOT)): path.read_text() for path in files() if path.suffix == ".py"}

    lengths = {
        f"{name}: {function}": lines for name in modules for function, lines in lengths_of_functions(modules[name])
    }

    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES_OF_A_FUNCTION} == {}
    assert len(lengths) > 10_000


def test_the_lines_of_a_function_are_those_of_its_signature_too() -> None:
    source = "@decorated\nasync def f(\n    x,\n):\n    return x\n\n\nclass C:\n    def g(self): pass\n"

    assert dict(lengths_of_functions(source)) == {"f": 4, "g": 1}
