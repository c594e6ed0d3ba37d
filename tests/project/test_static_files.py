"""Collected static files: each is named by the hash of its content."""

import json
import posixpath
import re
from pathlib import Path

from tests.live_site import ROOT

OURS = sorted(path.relative_to(ROOT / "static").as_posix() for path in (ROOT / "static").rglob("*.js"))
IMPORTED = re.compile(r"""(?:\bfrom|^import|\bimport\()\s*["'](\.[^"']+)["']""", re.MULTILINE)


def imports_of(script: Path) -> list[str]:
    """The paths that a script imports, relative to the folder of static files."""
    folder = "" if script.parent.name == "static" else script.parent.name
    return [posixpath.normpath(posixpath.join(folder, path)) for path in IMPORTED.findall(script.read_text())]


def test_our_scripts_import_each_other_by_the_names_pages_know_them_by(prepared_data):
    collected = prepared_data / "static"
    hashed = json.loads((collected / "staticfiles.json").read_text())["paths"]

    wanted = {name: [hashed[path] for path in imports_of(ROOT / "static" / name)] for name in OURS}
    found = {name: imports_of(collected / hashed[name]) for name in OURS}

    assert found == wanted
    assert hashed["live/connection.js"] in found["live/run_page.js"]


def test_a_collected_script_differs_from_its_source_in_nothing_but_the_names_it_imports(prepared_data):
    collected = prepared_data / "static"
    hashed = json.loads((collected / "staticfiles.json").read_text())["paths"]

    for name in OURS:
        script = (collected / hashed[name]).read_text()
        assert re.sub(r'\.[0-9a-f]{12}(?=\.js";\n)', "", script) == (ROOT / "static" / name).read_text()
