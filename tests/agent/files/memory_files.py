"""Files of a run that are in memory, for tests of tools."""

from collections.abc import Iterator, Sequence

from runs.agent.errors.exceptions import ToolFailed
from runs.agent.files import extraction_job
from runs.agent.files.access import CompleteSearch, FoundPassage, NoFiles, Passage
from runs.agent.files.file_info import FileInfo
from runs.agent.files.file_types import MEDIA_TYPES
from runs.agent.files.search_words import search_words


class MemoryFiles(NoFiles):
    """The given files, by name; one with a slash is in a library: `Handbook/refunds.md`."""

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
                name.rpartition("/")[2],
                MEDIA_TYPES.get(name.rpartition(".")[2], ("text/plain", "text"))[0],
                self._sizes.get(name, len(content)),
                "library" if "/" in name else "attached",
                name.rpartition("/")[0],
            )
            for number, (name, content) in enumerate(self.contents.items(), 1)
        ]

    async def content(self, file: FileInfo) -> bytes:
        self.read.append(file.name)
        try:
            return self.contents[f"{file.library}/{file.name}" if file.library else file.name]
        except KeyError:
            raise ToolFailed(f"The file {file.name} was deleted.") from None

    async def passages(self, file: FileInfo, *, first: int, most: int) -> Sequence[Passage]:
        return list(self._passages(file))[first - 1 : first - 1 + most]

    async def search_all(
        self, words: Sequence[frozenset[str]], *, files: Sequence[FileInfo] | None, most: int
    ) -> CompleteSearch:
        chosen = await self.files() if files is None else files
        texts = [(file, list(self._passages(file))) for file in chosen]
        found = [
            FoundPassage(file, passage, 1.0)
            for file, passages in texts
            for passage in passages
            if all(forms & set(search_words(passage.text)) for forms in words)
        ]
        return CompleteSearch(
            found[:most], len(found), len(chosen), [file.name for file, passages in texts if not passages]
        )

    def _passages(self, file: FileInfo) -> Iterator[Passage]:
        """The passages that the upload would store; the job runs in this process."""
        content = self.contents[f"{file.library}/{file.name}" if file.library else file.name]
        end = file.name.rpartition(".")[2]
        for number, (place, text) in enumerate(
            extraction_job._read(end, content) if end in extraction_job._READERS else (), 1
        ):
            yield Passage(number, place, text)
