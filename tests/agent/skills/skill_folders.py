"""Skills as folders and ZIPs, for tests."""

import io
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path


def skill_md(name: str = "expense-report", description: str = "Check expense reports.", body: str = "# Steps") -> str:
    """A valid `SKILL.md`."""
    return f"---\nname: {name}\ndescription: {description}\n---\n\n{body}\n"


def folder_of(parent: Path, name: str = "expense-report", **files: str | bytes) -> Path:
    """A skill folder with `SKILL.md` and further files; `__` in their names stands for a slash, `_md` for `.md`."""
    folder = parent / name
    folder.mkdir(parents=True)
    (folder / "SKILL.md").write_text(skill_md(name), encoding="utf-8")
    for path, content in files.items():
        place = folder / path.replace("__", "/").replace("_md", ".md")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def zip_of(files: Mapping[str, str | bytes], *, links: Mapping[str, str] | None = None, packed: bool = True) -> bytes:
    """A ZIP of these files, and of symbolic links."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as archive:
        for path, content in files.items():
            archive.writestr(path, content)
        for path, target in (links or {}).items():
            member = zipfile.ZipInfo(path)
            member.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(member, target)
    return buffer.getvalue()
