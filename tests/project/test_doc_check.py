"""The documentation check finds links and names that lead nowhere."""

from pathlib import Path

import pytest

from tests.doc_check import anchors_of, faults

PAGE = "# Title\n\nSee [more](docs/more.md).\n\n{}\n"
MORE = "# More\n\n## What `it` does, and why\n\n## Again\n\n## Again\n"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A small repository whose documentation has no fault."""
    for folder in ("docs", "runs/management/commands", "tests"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "Makefile").write_text("run: ## Serve\n\ttrue\n")
    (tmp_path / "runs/management/commands/doctor.py").write_text("")
    (tmp_path / "docs/more.md").write_text(MORE)
    for name in ("README.md", "CONTRIBUTING.md", "ARCHITECTURE.md"):
        (tmp_path / name).write_text(PAGE.format(""))
    return tmp_path


@pytest.mark.parametrize(
    "text",
    [
        "[more](docs/more.md#what-it-does-and-why)",
        "[again](docs/more.md#again-1)",
        "[here](#title)",
        "[elsewhere](https://example.org/nothing)",
        "`runs/management/`, `runs/management/commands/*.py`, `README.md`, `local/llama3.2`, `agent_tools.py`",
        "`make run`, `manage.py doctor`, `manage.py migrate`",
        "```\nmake run  # to make something run\n```",
    ],
)
def test_what_is_there_is_no_fault(repository, text):
    (repository / "README.md").write_text(PAGE.format(text))

    assert faults(repository) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[gone](docs/gone.md)", "the link to docs/gone.md leads to no file"),
        ("![gone](docs/gone.png)", "the link to docs/gone.png leads to no file"),
        ("[gone](docs/more.md#gone)", "the link to docs/more.md#gone leads to no heading"),
        ("[gone](#gone)", "the link to #gone leads to no heading"),
        ("| a | b |\n|---|---|\n| [gone](gone.md) | |", "the link to gone.md leads to no file"),
        ("`runs/gone.py`", "there is no runs/gone.py"),
        ("`runs/gone/*.py`", "there is no runs/gone/*.py"),
        ("`engine/host.py`", "engine/host.py is not a path from the top of the repository"),
        ("`GONE.md`", "there is no GONE.md at the top of the repository"),
        ("`make gone`", "there is no target gone in the Makefile"),
        ("```\n.venv/bin/python manage.py gone --force\n```", "manage.py has no gone"),
        ("`python -m tests.gone`", "there is no module tests.gone"),
    ],
)
def test_what_is_not_there_is_a_fault_with_its_line(repository, text, fault):
    (repository / "README.md").write_text(PAGE.format(text))

    (found,) = faults(repository)

    assert found.startswith("README.md:")
    assert found.endswith(f": {fault}")


def test_a_page_that_the_readme_does_not_link_to_is_a_fault(repository):
    (repository / "docs/lonely.md").write_text("# Lonely\n")

    assert faults(repository) == ["README.md: does not link to docs/lonely.md"]


def test_anchors_are_those_of_github(repository):
    assert anchors_of(repository / "docs/more.md") == {"more", "what-it-does-and-why", "again", "again-1"}
