"""The backup archive: one file with an installation's database, its secret key, and a manifest."""

import hashlib
import json
import os
import tarfile
import zlib
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from django.core.management.base import CommandError

from runs.agent.json_data.json_types import JsonObject

MANIFEST = "manifest.json"
SECRET_KEY = "secret_key"  # noqa: S105 - the name of a file
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Manifest:
    """The description inside an archive."""

    kind: str
    """`sqlite` or `postgresql`."""
    database: str
    """Name of the database file in the archive."""
    made_at: str
    migrations: list[str]
    """Applied migrations, as `app.name`."""
    rows: dict[str, int]
    """Row count of each table; empty for Postgres."""
    sha256: dict[str, str]
    """Checksum of each file, in hexadecimal."""
    format: int = FORMAT


def sha256_of(file: Path) -> str:
    """SHA-256 of the file, in hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def pack(
    target: Path, folder: Path, *, kind: str, database: str, migrations: list[str], rows: dict[str, int], force: bool
) -> None:
    """Write the files of `folder` as one archive at `target`, readable by its owner only. Raises `CommandError` if it
    exists.

    The archive appears under its name when it is complete and on disk, or not at all.
    """
    files = sorted(path for path in folder.iterdir() if path.is_file())
    sums = {path.name: sha256_of(path) for path in files}
    manifest = Manifest(kind, database, datetime.now(UTC).isoformat(timespec="seconds"), migrations, rows, sums)
    (folder / MANIFEST).write_text(json.dumps(asdict(manifest), indent=2))
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            with tarfile.open(fileobj=stream, mode="w:gz", compresslevel=6) as archive:
                for path in (folder / MANIFEST, *files):
                    archive.add(path, arcname=path.name, recursive=False, filter=_plain)
            stream.flush()
            os.fsync(stream.fileno())
        if force:
            draft.replace(target)
            return
        try:
            # A link, unlike a rename, never replaces a file that was created meanwhile.
            target.hardlink_to(draft)
        except FileExistsError as error:
            raise CommandError(f"{target} is there already. Choose another name, or --force to replace it.") from error
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(target.parent)


def unpack(source: Path, folder: Path) -> Manifest:
    """Unpack an archive into `folder` and verify the checksums. Raises `CommandError`."""
    try:
        with tarfile.open(source, mode="r:gz") as archive:
            # The filter "data" forbids links, devices and paths outside the folder.
            archive.extractall(folder, filter="data")
        told: JsonObject = json.loads((folder / MANIFEST).read_text())
        if told.get("format") != FORMAT:
            raise CommandError(f"{source} has format {told.get('format')}; this version reads format {FORMAT}.")
        manifest = Manifest(**told)
    except FileNotFoundError as error:
        raise CommandError(f"{error.filename}: there is no such file.") from error
    except (tarfile.TarError, zlib.error, EOFError, OSError, ValueError, TypeError) as error:
        raise CommandError(f"{source} is no whole backup of Agentsite ({type(error).__name__}: {error}).") from error
    for name, expected in manifest.sha256.items():
        if not (folder / name).is_file() or sha256_of(folder / name) != expected:
            raise CommandError(f"{source} is damaged: {name} is not what was put in.")
    return manifest


def sync_folder(folder: Path) -> None:
    """Sync the folder's entries to disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mode = 0o600
    return entry
