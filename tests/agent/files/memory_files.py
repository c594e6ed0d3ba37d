"""Files of a run that are in memory, for tests of tools."""

from collections.abc import Sequence

from runs.agent.errors.exceptions import ToolFailed
from runs.agent.files.access import NoFiles
from runs.agent.files.file_info import FileInfo
from runs.agent.files.file_types import MEDIA_TYPES


class MemoryFiles(NoFiles):
    """The given files, by name."""

    def __init__(self, contents: dict[str, bytes], *, sizes: dict[str, int] | None = None) -> None:
        """`sizes` are what the files say of their size, where it is not that of their content."""
        self.contents = contents
        self.read: list[str] = []
        """The names of the files whose content was asked for."""
        self._sizes = sizes or {}

    async def files(self) -> Sequence[FileInfo]:
        return [
            FileInfo(
                str(number),
                name,
                MEDIA_TYPES.get(name.rpartition(".")[2], ("text/plain", "text"))[0],
                self._sizes.get(name, len(content)),
                "attached",
            )
            for number, (name, content) in enumerate(self.contents.items(), 1)
        ]

    async def content(self, file: FileInfo) -> bytes:
        self.read.append(file.name)
        try:
            return self.contents[file.name]
        except KeyError:
            raise ToolFailed(f"The file {file.name} was deleted.") from None
