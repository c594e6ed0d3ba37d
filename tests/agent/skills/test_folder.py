"""A folder of skill folders is read once; a fault in one is a line that names it."""

from pathlib import Path

import pytest

from runs.agent.skills.folder import skills_in, skills_of
from tests.agent.skills.skill_folders import folder_of


def test_the_skills_are_read_with_their_files(tmp_path: Path) -> None:
    folder_of(tmp_path, "pdf-forms", references__rates_md="0.30", notes="x")
    folder_of(tmp_path, "expense-report")
    (tmp_path / ".git").mkdir()
    (tmp_path / "README.md").write_text("Our skills.")
    (tmp_path / "pdf-forms" / ".env").write_text("SECRET=1")

    expenses, forms = skills_in(tmp_path)

    assert expenses.info.name == "expense-report"
    assert forms.info.files == ("SKILL.md", "notes", "references/rates.md")


def test_an_empty_folder_has_no_skills(tmp_path: Path) -> None:
    assert skills_in(tmp_path) == []


def test_each_fault_names_its_skill(tmp_path: Path) -> None:
    def fault(name: str, text: str | None) -> str:
        folder = folder_of(tmp_path / name, name)
        (folder / "SKILL.md").unlink() if text is None else (folder / "SKILL.md").write_text(text)
        with pytest.raises(ValueError, match=r"skill|folder") as raised:
            skills_in(tmp_path / name)
        return str(raised.value)

    assert fault("a", None) == "the folder a has no SKILL.md."
    assert "the skill b: SKILL.md does not begin" in fault("b", "# Steps")
    assert "the skill c: The front matter of SKILL.md is not valid: Missing" in fault("c", "---\nname: c\n---\n")
    assert "must match skill name 'x'" in fault("d", "---\nname: x\ndescription: y\n---\n")


def test_links_and_too_much_are_refused(tmp_path: Path) -> None:
    (folder_of(tmp_path / "a", "a") / "link").symlink_to("/etc/passwd")
    folder_of(tmp_path / "b", "b", big=b"0" * (2 * 2**20))
    folder_of(tmp_path / "c", "c", **{f"f{number}": "" for number in range(200)})

    for name, reason in (("a", "is a link"), ("b", "more than 2 MiB"), ("c", "more than 200 files")):
        with pytest.raises(ValueError, match=reason):
            skills_in(tmp_path / name)


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="No such file"):
        skills_in(tmp_path / "none")
    with pytest.raises(ValueError, match="cannot read"):
        skills_of([tmp_path / "none"])
