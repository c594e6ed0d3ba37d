"""Documents given to a run at its launch."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from runs.agent.json_data.json_types import JsonObject
from runs.agent.providers.model_catalog.catalog import sees_images
from runs.agent.wording import Wording
from runs.engine.files.storage import DocumentRefused
from runs.engine.files.visibility import files_for
from runs.models import Attachment, Run, StoredFile

MOST_ATTACHED: Final = 20
"""Files given with one task."""


def documents_to_attach(ids: Sequence[UUID], *, user: Any, models: Sequence[str]) -> list[StoredFile]:
    """The uploaded files with these ids, in their order, each once.

    `user` None is the command line, which may give any file. They are locked until the transaction ends, so that
    nothing deletes them before they are given. Raises `DocumentRefused` for too many, one that is not there or not
    theirs, and a picture if one of `models` is known not to see any.
    """
    ids = list(dict.fromkeys(ids))
    if not ids:
        return []
    if len(ids) > MOST_ATTACHED:
        raise DocumentRefused(Wording("At most %(most)s files can be given at once.", most=MOST_ATTACHED))
    seen = StoredFile.objects.filter(state=StoredFile.State.READY) if user is None else files_for(user)
    locked = StoredFile.objects.select_for_update(no_key=True).filter(state=StoredFile.State.READY)
    found = {file.pk: file for file in locked.filter(pk__in=seen.filter(pk__in=ids).values("pk"))}
    if len(found) < len(ids):
        raise DocumentRefused(Wording("One of the files is no longer there, or is not yours. Upload it again."))
    documents = [found[each] for each in ids]
    if picture := next((each for each in documents if each.is_image), None):
        _check_seen(picture, models)
    return documents


def with_files(config: JsonObject, documents: Sequence[StoredFile], continues: Run | None) -> JsonObject:
    """The configuration of a new run, which says whether it has files: given to it, or in its conversation."""
    has_some = bool(documents)
    if not has_some and continues is not None:
        has_some = bool(continues.config.get("files")) or StoredFile.objects.filter(run=continues).exists()
    return {name: value for name, value in config.items() if name != "files"} | ({"files": True} if has_some else {})


def attach(run: Run, documents: Sequence[StoredFile]) -> None:
    """Give the documents to a new run. Called in the transaction that makes it."""
    Attachment.objects.bulk_create(
        Attachment(run=run, file=file, position=position) for position, file in enumerate(documents)
    )


def _check_seen(picture: StoredFile, models: Sequence[str]) -> None:
    blind = next((name for name in models if not sees_images(name)), None)
    if blind is not None:
        words = "The model %(model)s cannot see images. Choose another model, or take %(name)s away."
        raise DocumentRefused(Wording(words, model=blind, name=picture.name))
