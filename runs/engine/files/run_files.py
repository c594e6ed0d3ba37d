"""The files of a run, for its tools: the `FileAccess` of the engine."""

import hashlib
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from runs.agent.errors.exceptions import ToolFailed
from runs.agent.files.access import CompleteSearch, FoundPassage, Passage
from runs.agent.files.file_info import MAX_FILE_BYTES, Artifact, FileInfo, FileSource, Image
from runs.engine.database_threads import in_thread
from runs.engine.files.passage_search import search_all_words, search_passages
from runs.engine.files.storage import DocumentRefused, check_quota, content_of, write_chunks
from runs.engine.files.uploads import clean_name
from runs.engine.files.visibility import files_of_run, has_files
from runs.models import DocumentPassage, Run, StoredFile


@dataclass(frozen=True, slots=True)
class KnownFiles:
    """What a model is told of the files of its run when it begins."""

    infos: Sequence[FileInfo] = ()
    images: Sequence[Image] = ()
    """The pictures given with this run's task, with their content."""


MOST_ARTIFACTS: Final = 200
"""Files that one run may make."""


class RunFiles:
    """The files of one run. Each method works in a thread of its own connection."""

    def __init__(self, run: Run) -> None:
        self._run = run

    async def files(self) -> Sequence[FileInfo]:
        """Attached documents first, then artifacts, then the documents of libraries by name."""
        return await in_thread(self._files)

    async def content(self, file: FileInfo) -> bytes:
        """The bytes of a file. Raises `ToolFailed` if it was deleted."""
        content = await in_thread(partial(content_of, UUID(file.id)))
        if not content:
            raise ToolFailed(f"The file {file.name} was deleted.")
        return content

    async def passages(self, file: FileInfo, *, first: int, most: int) -> Sequence[Passage]:
        """Up to `most` passages from number `first` on."""
        return await in_thread(partial(_passages, UUID(file.id), first, most))

    async def search(self, query: str, *, files: Sequence[FileInfo] | None, most: int) -> Sequence[FoundPassage]:
        """The passages of these files, or of all, that match best, best first."""
        return await in_thread(partial(self._search, query, files, most))

    async def search_all(
        self, words: Sequence[frozenset[str]], *, files: Sequence[FileInfo] | None, most: int
    ) -> CompleteSearch:
        """The passages of these files, or of all, that have all the words."""
        return await in_thread(partial(self._search_all, words, files, most))

    async def save(self, artifact: Artifact, *, call_id: str, index: int) -> FileInfo:
        """Store an artifact. Raises `ToolFailed` if it is too large, the quota is used up, or the run has left this
        host: the call goes on in a thread that nothing ends, and another host may have made the file since."""
        return await in_thread(partial(self._save, artifact, UUID(call_id), index))

    def _files(self) -> list[FileInfo]:
        return _infos(files_of_run(self._run))

    def _search(self, query: str, files: Sequence[FileInfo] | None, most: int) -> list[FoundPassage]:
        return _found(search_passages(self._rows(files), query, most=most))

    def _search_all(
        self, words: Sequence[frozenset[str]], files: Sequence[FileInfo] | None, most: int
    ) -> CompleteSearch:
        rows = self._rows(files)
        found, total = search_all_words(rows, words, most=most)
        has_text = Exists(DocumentPassage.objects.filter(file_id=OuterRef("pk")))
        unsearched = rows.filter(~has_text | Q(text_is_cut=True)).order_by("name").values_list("name", flat=True)
        return CompleteSearch(_found(found), total, rows.count(), list(unsearched))

    def _rows(self, files: Sequence[FileInfo] | None) -> QuerySet[StoredFile]:
        rows = files_of_run(self._run)
        return rows if files is None else rows.filter(pk__in=[UUID(each.id) for each in files])

    def _save(self, artifact: Artifact, call_id: UUID, index: int) -> FileInfo:
        if len(artifact.content) > MAX_FILE_BYTES:
            raise ToolFailed(f"The file is larger than {MAX_FILE_BYTES // 2**20} MiB and was not kept.")
        pk = uuid.uuid5(call_id, str(index))
        with transaction.atomic():
            # The locks keep two calls from both finding the last place, or the last room of the person.
            get_user_model().objects.select_for_update(no_key=True).filter(pk__in=[self._run.user_id]).first()
            held = Run.objects.filter(pk=self._run.pk, epoch=self._run.epoch, owner__isnull=False)
            if not held.select_for_update(no_key=True).exists():
                raise ToolFailed(f"The run is not worked on here any more, so {artifact.name[:200]} was not kept.")
            StoredFile.objects.filter(pk=pk).delete()
            made = StoredFile.objects.filter(run_id=self._run.pk)
            if made.count() >= MOST_ARTIFACTS:
                raise ToolFailed(f"This run has made {MOST_ARTIFACTS} files, and that is the limit.")
            try:
                name = clean_name(artifact.name)
                check_quota(self._run.user, len(artifact.content))
            except DocumentRefused as refused:
                raise ToolFailed(str(refused)) from refused
            row = StoredFile.objects.create(
                pk=pk,
                name=name,
                media_type=artifact.media_type,
                size=len(artifact.content),
                received=len(artifact.content),
                sha256=hashlib.sha256(artifact.content).hexdigest(),
                state=StoredFile.State.READY,
                user_id=self._run.user_id,
                run_id=self._run.pk,
                call_id=call_id,
            )
            write_chunks(row, artifact.content)
        return info_of(row)


async def files_known_to(run: Run) -> KnownFiles:
    """The files of a run; without a query for one that has none.

    What the run itself has made is left out: after an interruption its model reads the same task as before.
    """
    if not has_files(run):
        return KnownFiles()
    return await in_thread(partial(_known, run))


def _known(run: Run) -> KnownFiles:
    return KnownFiles(_infos(files_of_run(run).exclude(run=run)), images_of(run))


def images_of(run: Run) -> tuple[Image, ...]:
    """The pictures that were given with the run's task. Queries the database."""
    if not run.config.get("files"):
        return ()
    given = StoredFile.objects.filter(attachments__run=run, media_type__startswith="image/")
    return tuple(
        Image(each.name, each.media_type, content_of(each.pk)) for each in given.order_by("attachments__position")
    )


def info_of(row: StoredFile) -> FileInfo:
    """A stored file as tools see it."""
    source: FileSource = "artifact" if row.run_id else "library" if row.library_id else "attached"
    library = row.library.name if row.library is not None else ""
    return FileInfo(str(row.pk), row.name, row.media_type, row.size, source, library)


def _infos(rows: QuerySet[StoredFile]) -> list[FileInfo]:
    order: dict[FileSource, int] = {"attached": 0, "artifact": 1, "library": 2}
    infos = [info_of(row) for row in rows.select_related("library")]
    return sorted(infos, key=lambda each: (order[each.source], each.library, each.name if each.library else ""))


def _found(passages: Iterable[tuple[DocumentPassage, float]]) -> list[FoundPassage]:
    return [FoundPassage(info_of(each.file), _passage(each), score) for each, score in passages]


def _passages(file_id: UUID, first: int, most: int) -> list[Passage]:
    rows = DocumentPassage.objects.filter(file_id=file_id, number__gte=first).order_by("number")[:most]
    return [_passage(row) for row in rows]


def _passage(row: DocumentPassage) -> Passage:
    return Passage(row.number, row.place, row.text)
