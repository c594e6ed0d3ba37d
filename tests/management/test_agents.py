"""`manage.py agents`: agents as files that a repository keeps."""

import json
import shutil
from pathlib import Path

import pytest

from tests.live_site import manage

VERSIONS = """
import json
from runs.models import AgentVersion
rows = AgentVersion.objects.order_by("pk").values_list("agent__name", "number", "message", "author__username")
print(json.dumps([list(row) for row in rows]))
"""
ESSAY = """templates:
  - name: Essay
    task: |-
      Write about
      {{ topic }}.
    inputs: [{name: topic}]
"""


@pytest.fixture
def data(prepared_data: Path, tmp_path: Path) -> Path:
    """A data folder with the default agent."""
    return Path(shutil.copytree(prepared_data, tmp_path / "data"))


def test_an_exported_agent_is_changed_in_an_editor_and_imported_and_the_diff_says_what_has_changed(
    data: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "agents"
    exported = manage("agents", "export", "--all", "--dir", str(folder), data=data)
    file = folder / "assistant.yaml"
    assert (exported.returncode, exported.stdout.split()) == (0, [str(file)])
    file.write_text(file.read_text().replace("max_turns: 20", "max_turns: 7"))

    tried = manage("agents", "import", str(file), "--dry-run", data=data)
    imported = manage("agents", "import", str(file), "--message", "From git", data=data)
    again = manage("agents", "import", str(file), data=data)

    told = "Assistant: changed\n  max_turns:\n    - 20\n    + 7\n"
    assert [(each.returncode, each.stdout) for each in (tried, imported)] == [(0, told)] * 2
    assert (again.returncode, again.stdout) == (0, "Assistant: the same\n")
    versions = json.loads(manage("shell", "--no-imports", "-c", VERSIONS, data=data).stdout)
    assert versions[-1][0] == "Assistant" and versions[-1][2:] == ["From git", None]


def test_what_cannot_be_imported_is_told_with_its_line_and_changes_nothing(data: Path, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text("format: agent\nversion: 1\nname: Scout\nmodels: [offline]\n")
    bad.write_text("format: agent\nversion: 1\nname: Clerk\nmodels: [offline]\nmax_turn: 3\n")

    large = tmp_path / "large.yaml"
    large.write_text(good.read_text() + "# " + "é" * 300_000)

    refused = manage("agents", "import", str(good), str(bad), data=data)
    long = manage("agents", "import", str(good), "--message", "x" * 201, data=data)
    too_large = manage("agents", "import", str(good), str(large), data=data)
    unknown = manage("agents", "export", "Nobody", data=data)

    assert refused.returncode == 1 and f"{bad}:5: There is no setting" in refused.stderr
    assert "Scout" not in manage("shell", "--no-imports", "-c", VERSIONS, data=data).stdout
    assert (long.returncode, long.stderr.strip()) == (2, "CommandError: --message: At most 200 characters.")
    assert too_large.returncode == 1 and "more than 512 KiB" in too_large.stderr
    assert unknown.returncode == 2 and "There is no agent 'Nobody'." in unknown.stderr


def test_templates_come_with_their_agent_and_the_diff_shows_the_lines_of_their_tasks(
    data: Path, tmp_path: Path
) -> None:
    file = tmp_path / "assistant.yaml"
    exported = manage("agents", "export", "Assistant", data=data).stdout
    assert exported.endswith("templates: []\n")
    file.write_text(exported.replace("templates: []\n", ESSAY))

    first = manage("agents", "import", str(file), data=data)
    stored = manage("agents", "export", "Assistant", data=data).stdout
    file.write_text(stored.replace("Write about", "Write two lines about"))
    second = manage("agents", "import", str(file), data=data)
    again = manage("agents", "import", str(file), data=data)

    assert (first.returncode, first.stdout.splitlines()[:2]) == (0, ["Assistant: changed", "  templates:"])
    assert [line.strip() for line in second.stdout.splitlines() if line.strip().startswith(("-  ", "+  "))] == [
        "-     Write about",
        "+     Write two lines about",
    ]
    assert again.stdout == "Assistant: the same\n"


def test_the_schema_of_the_files_needs_no_database(tmp_path: Path) -> None:
    done = manage("agents", "schema", data=tmp_path)

    assert done.returncode == 0 and json.loads(done.stdout)["title"] == "Agents of Agentsite"
    assert not list(tmp_path.glob("*.sqlite3"))
