"""The ZIP of a skill: what is in it becomes files in memory, and a hostile one is refused with the reason."""

import io
import warnings
import zipfile
from collections.abc import Callable

import pytest

from runs.agent.sandbox.job import JobFailed
from runs.agent.skills.archive import unpacked_skill
from tests.agent.skills.skill_folders import skill_md, zip_of

SKILL = {"expense-report/SKILL.md": skill_md(), "expense-report/references/rates.md": "0.30"}
BIG = b"0" * (2 * 2**20 + 1)


async def test_a_skill_in_its_folder_is_read() -> None:
    skill = await unpacked_skill(zip_of({**SKILL, "__MACOSX/x": "mac", "expense-report/.DS_Store": b"\0"}))

    assert (skill.info.name, skill.info.description) == ("expense-report", "Check expense reports.")
    assert skill.info.files == ("SKILL.md", "references/rates.md")
    assert skill.contents["references/rates.md"] == b"0.30"


async def test_a_skill_without_its_folder_is_read() -> None:
    skill = await unpacked_skill(zip_of({"skill.md": skill_md(), "scripts/check.py": b"print(1)"}))

    assert skill.info.files == ("SKILL.md", "scripts/check.py")


def renamed(name: bytes) -> bytes:
    """A ZIP with a file whose name `zipfile` would not write."""
    return zip_of({**SKILL, "expense-report/XXXXXXXX": "x"}).replace(b"expense-report/XXXXXXXX", name.ljust(23, b"a"))


def doubled() -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as archive:
        warnings.simplefilter("ignore")
        for _ in range(2):
            archive.writestr("SKILL.md", skill_md())
    return buffer.getvalue()


def lying() -> bytes:
    """A ZIP whose directory says that its 3 MiB are 10 bytes."""
    content = zip_of({**SKILL, "expense-report/big.txt": BIG})
    return content.replace(len(BIG).to_bytes(4, "little"), (10).to_bytes(4, "little"))


def encrypted() -> bytes:
    content = bytearray(zip_of({"SKILL.md": skill_md()}))
    directory = content.index(b"PK\x01\x02")
    content[6] |= 1
    content[directory + 8] |= 1
    return bytes(content)


def device() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("SKILL.md", skill_md())
        member = zipfile.ZipInfo("dev/null")
        member.external_attr = 0o020666 << 16
        archive.writestr(member, b"")
    return buffer.getvalue()


def bomb() -> bytes:
    """A ZIP of half a gigabyte. Made only where it is needed: it takes a second."""
    return zip_of({**SKILL, "expense-report/bomb": b"\0" * 500_000_000})


HOSTILE: dict[str, tuple[bytes | Callable[[], bytes], str]] = {
    "no ZIP": (b"hello", "damaged"),
    "nothing": (b"", "damaged"),
    "half a ZIP": (zip_of(SKILL)[:-40], "damaged"),
    "a wrong checksum": (zip_of({"SKILL.md": skill_md()}, packed=False).replace(b"# Steps", b"# Stepz"), "damaged"),
    "a parent": (zip_of({**SKILL, "../evil.md": "x"}), "no safe path"),
    "a parent within": (zip_of({**SKILL, "expense-report/../../evil.md": "x"}), "no safe path"),
    "an absolute name": (zip_of({**SKILL, "/etc/passwd": "x"}), "no safe path"),
    "a drive": (zip_of({**SKILL, "C:/evil.md": "x"}), "no safe path"),
    "a backslash": (zip_of({**SKILL, "expense-report\\evil.md": "x"}), "no safe path"),
    "a NUL": (renamed(b"expense-report/a\0.md"), "no safe path"),
    "a line end": (zip_of({**SKILL, "expense-report/a\nb.md": "x"}), "no safe path"),
    "a mark of direction": (zip_of({**SKILL, "expense-report/\u202etxt.exe": "x"}), "no safe path"),
    "an empty part": (zip_of({**SKILL, "expense-report//a.md": "x"}), "no safe path"),
    "a long name": (zip_of({**SKILL, "expense-report/" + "a" * 200: "x"}), "no safe path"),
    "a link": (zip_of(SKILL, links={"expense-report/link.md": "/etc/passwd"}), "a link or no file"),
    "a device": (device(), "a link or no file"),
    "a file twice": (doubled(), "twice"),
    "a file twice by case": (zip_of({**SKILL, "Expense-Report/skill.MD": "x"}), "twice"),
    "too many files": (zip_of({**SKILL, **{f"expense-report/{i}.md": "" for i in range(200)}}), "more than 200 files"),
    "too many folders": (zip_of({**SKILL, **{f"expense-report/{i}/": "" for i in range(500)}}), "more than 200 files"),
    "too much": (zip_of({**SKILL, "expense-report/big.txt": BIG}), "unpacks to more than 2 MiB"),
    "a bomb": (bomb, "unpacks to more than 2 MiB"),
    "false sizes": (lying(), "damaged"),
    "a password": (encrypted(), "password"),
    "no SKILL.md": (zip_of({"expense-report/README.md": "x"}), "no SKILL.md"),
    "a folder too deep": (zip_of({"a/expense-report/SKILL.md": skill_md()}), "no SKILL.md"),
    "two folders": (zip_of({**SKILL, "other/SKILL.md": skill_md("other")}), "no SKILL.md"),
    "a folder of another name": (zip_of({"other/SKILL.md": skill_md()}), "must match skill name"),
    "no front matter": (zip_of({"SKILL.md": "# Steps"}), "does not begin with front matter"),
}


@pytest.mark.parametrize("case", HOSTILE)
async def test_a_hostile_zip_is_refused_with_the_reason(case: str) -> None:
    content, reason = HOSTILE[case]

    with pytest.raises(JobFailed, match=reason):
        await unpacked_skill(content() if callable(content) else content)


@pytest.mark.parametrize("paths", [("a", "a/b"), ("A/b/c", "a/b"), ("a/b/c/d", "a")])
async def test_a_file_that_is_a_folder_too_is_refused(paths: tuple[str, ...]) -> None:
    with pytest.raises(JobFailed, match="twice"):
        await unpacked_skill(zip_of({"SKILL.md": skill_md(), **dict.fromkeys(paths, "x")}))


@pytest.mark.parametrize("sign", ["\\0", "\\x07", "\\ud800", "\\x9b"])
async def test_a_description_with_a_control_character_is_refused(sign: str) -> None:
    with pytest.raises(JobFailed, match="not valid"):
        await unpacked_skill(zip_of({"SKILL.md": skill_md(description=f'"a{sign}b"')}))
