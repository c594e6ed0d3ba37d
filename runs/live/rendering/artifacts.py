"""The files that a tool's output refers to, as the card of its step shows them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.urls import reverse

from runs.live.rendering.formatting import size_words

MOST_SHOWN: Final = 20
_PICTURES: Final = ("image/svg+xml", "image/png", "image/jpeg", "image/gif", "image/webp")


@dataclass(frozen=True, slots=True)
class ArtifactView:
    """A file of the run. Whether the viewer may see it is asked when it is opened."""

    id: UUID
    name: str
    size: str
    is_picture: bool

    @property
    def url(self) -> str:
        """Where it is downloaded, and shown from."""
        return reverse("runs:file", args=[self.id])

    @property
    def preview_url(self) -> str:
        """Its beginning, as a part of a page."""
        return reverse("runs:file-preview", args=[self.id])


def artifacts_in(output: Any) -> list[ArtifactView]:
    """The files in an output: alone, in a list, or as values of a dictionary."""
    return list(_found(output))[:MOST_SHOWN]


def _found(output: Any) -> Iterator[ArtifactView]:
    if (artifact := _artifact(output)) is not None:
        yield artifact
        return
    inner = output if isinstance(output, list) else output.values() if isinstance(output, dict) else ()
    for each in inner:
        if (artifact := _artifact(each)) is not None:
            yield artifact


def _artifact(value: Any) -> ArtifactView | None:
    match value:
        case {"artifact": str(pk), "name": str(name), "media_type": str(media_type), "size": int(size)}:
            try:
                return ArtifactView(UUID(pk), name, size_words(size), media_type in _PICTURES)
            except ValueError:
                return None  # an object of a tool's own that looks like one
    return None
