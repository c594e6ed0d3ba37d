"""Files as tools see them: what is known of one without its content."""

from dataclasses import dataclass
from typing import Any, Final, Literal

MAX_FILE_BYTES: Final = 25 * 1024 * 1024
"""The largest file that people may give and tools may make."""

FileSource = Literal["attached", "library", "artifact"]
"""Where a file comes from: a person gave it to the conversation, it is in a library, or the run's tools made it."""


@dataclass(frozen=True, slots=True)
class FileInfo:
    """A file that a run may read."""

    id: str
    name: str
    """As given by people, without a folder; unique among the files of a run only if nobody gave two of one name."""
    media_type: str
    """One of `file_types.MEDIA_TYPES`, or `image/svg+xml` of an artifact."""
    size: int
    """In bytes."""
    source: FileSource
    library: str = ""
    """The name of the library it is in; else empty."""


IMAGE_TOKENS: Final = 1600
"""What a large picture costs about: Anthropic counts its pixels divided by 750, and makes it smaller above this."""


@dataclass(frozen=True, slots=True)
class Image:
    """A picture as models get it."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file that a tool returns, alone or in a list or as a value of a dictionary.

    It is stored with the run, and its reference (`as_reference`) takes its place in the recorded output.
    """

    name: str
    media_type: str
    content: bytes


def as_reference(file: FileInfo) -> dict[str, Any]:
    """What stands for a stored artifact in a tool's output, for models and pages."""
    return {"artifact": file.id, "name": file.name, "media_type": file.media_type, "size": file.size}
