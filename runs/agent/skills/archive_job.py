"""The job that unpacks the ZIP of a skill in memory: nothing is written, so no name in it can reach a file."""

import base64
import json
import lzma
import stat
import unicodedata
import zipfile
import zlib
from typing import Final

from runs.agent.errors import file_sentences
from runs.agent.errors import skill_sentences as sentences
from runs.agent.sandbox.refusal import JobRefused
from runs.agent.skills.frontmatter import read_frontmatter
from runs.agent.skills.skill import MAX_PATH_CHARACTERS, MAX_SKILL_BYTES, MOST_FILES, SKILL_FILE

_ENCRYPTED: Final = 0x1
_DAMAGED: Final = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, NotImplementedError, RuntimeError, ValueError,
)  # fmt: skip


def run(_request: bytes) -> bytes:
    """A JSON object with name, description and the files in Base64 by path."""
    try:
        with zipfile.ZipFile("input") as archive:
            contents = _unpacked(archive)
    except _DAMAGED as error:
        raise JobRefused(file_sentences.DAMAGED.made()) from error
    folder, files = _within_folder(contents)
    name, description = read_frontmatter(files[SKILL_FILE], folder)
    encoded = {path: base64.b64encode(content).decode() for path, content in files.items()}
    return json.dumps({"name": name, "description": description, "files": encoded}).encode()


def _unpacked(archive: zipfile.ZipFile) -> dict[str, bytes]:
    members = [each for each in archive.infolist() if not _is_left_out(each.filename)]
    if len(members) > 2 * MOST_FILES:
        raise JobRefused(sentences.TOO_MANY_FILES.made(most=MOST_FILES))
    contents: dict[str, bytes] = {}
    seen: set[str] = set()
    left = MAX_SKILL_BYTES
    for member in members:
        _check_member(member)
        if member.is_dir():
            continue
        if (same := unicodedata.normalize("NFC", member.filename).casefold()) in seen:
            raise JobRefused(sentences.DOUBLED.made(name=_shown(member.filename)))
        seen.add(same)
        with archive.open(member) as file:
            # The sizes in the archive may be false: what comes out is counted.
            content = file.read(left + 1)
        left -= len(content)
        if left < 0:
            raise JobRefused(file_sentences.UNPACKS_TO_TOO_MUCH.made(most=MAX_SKILL_BYTES // 2**20))
        contents[member.filename] = content
    if len(contents) > MOST_FILES:
        raise JobRefused(sentences.TOO_MANY_FILES.made(most=MOST_FILES))
    for path in contents:
        above = unicodedata.normalize("NFC", path).casefold()
        while "/" in above:
            above = above.rpartition("/")[0]
            if above in seen:
                raise JobRefused(sentences.DOUBLED.made(name=_shown(path)))
    return contents


def _is_left_out(path: str) -> bool:
    """True for what file managers add."""
    return path.startswith("__MACOSX/") or path.rsplit("/", 1)[-1] in (".DS_Store", "Thumbs.db", "desktop.ini")


def _check_member(member: zipfile.ZipInfo) -> None:
    if not is_safe_path(member.orig_filename.removesuffix("/")):
        raise JobRefused(sentences.UNSAFE_NAME.made(name=_shown(member.orig_filename)))
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind and not stat.S_ISREG(kind) and not stat.S_ISDIR(kind):
        raise JobRefused(sentences.NOT_A_FILE.made(name=_shown(member.filename)))
    if member.flag_bits & _ENCRYPTED:
        raise JobRefused(file_sentences.PROTECTED.made())


def is_safe_path(path: str) -> bool:
    """True for a relative path of usual names: no `..`, no drive, no backslash, no invisible characters."""
    parts = path.split("/")
    return (
        0 < len(path) <= MAX_PATH_CHARACTERS
        and not any(part in ("", ".", "..") or part != part.strip() for part in parts)
        and not any(each in '\\:*?"<>|' or unicodedata.category(each)[0] == "C" for each in path)
    )


def _within_folder(contents: dict[str, bytes]) -> tuple[str | None, dict[str, bytes]]:
    """The folder that has everything, None if there is none, and the files by their paths in it."""
    tops = {path.split("/", 1)[0] for path in contents}
    folder = tops.pop() if len(tops) == 1 and not any("/" not in path for path in contents) else None
    files = {path.split("/", 1)[1] if folder is not None else path: content for path, content in contents.items()}
    if SKILL_FILE not in files and "skill.md" in files:
        files[SKILL_FILE] = files.pop("skill.md")
    if SKILL_FILE not in files:
        raise JobRefused(sentences.NO_SKILL_FILE.made())
    return folder, files


def _shown(name: str) -> str:
    return ascii(name[:100])
