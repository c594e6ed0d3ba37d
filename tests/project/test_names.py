"""The names of classes: each means one thing."""

import ast
from collections import defaultdict
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
NAMED_BY_DJANGO: Final = {"Command"}
"""Classes that have to have this name: Django looks for one in each module of commands."""


def test_no_two_classes_have_one_name():
    places = defaultdict(list)
    for folder in ("agentsite", "runs"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            if "migrations" in file.parts:
                continue
            for node in ast.parse(file.read_text()).body:
                if isinstance(node, ast.ClassDef) and node.name not in NAMED_BY_DJANGO:
                    places[node.name].append(f"{file.relative_to(ROOT)}:{node.lineno}")

    assert {name: where for name, where in places.items() if len(where) > 1} == {}
