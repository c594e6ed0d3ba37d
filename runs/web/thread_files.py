"""The files in a conversation: given with a message, or made by the run that answered it."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from runs.live.rendering.artifacts import ArtifactView
from runs.live.rendering.formatting import size_words
from runs.models import Attachment, Run, StoredFile

MOST_MADE: Final = 20
"""Files of one run that its thread shows; the page of the run has all."""


def given_with(runs: Sequence[Run]) -> dict[UUID, list[StoredFile]]:
    """The files given with the messages, by run. No query for runs without files."""
    found: dict[UUID, list[StoredFile]] = defaultdict(list)
    if with_files := [run.pk for run in runs if run.config.get("files")]:
        rows = Attachment.objects.filter(run__in=with_files).select_related("file").order_by("run", "position")
        for row in rows:
            found[row.run_id].append(row.file)
    return found


def made_by(runs: Sequence[Run]) -> dict[UUID, list[ArtifactView]]:
    """The files that the runs have made, by run, in the order in which they came. One query."""
    found: dict[UUID, list[ArtifactView]] = defaultdict(list)
    made = StoredFile.objects.filter(run__in=[run.pk for run in runs], state=StoredFile.State.READY)
    for file in made.order_by("created_at", "pk"):
        if file.run_id is not None and len(found[file.run_id]) < MOST_MADE:
            found[file.run_id].append(ArtifactView(file.pk, file.name, size_words(file.size), file.is_image))
    return found
