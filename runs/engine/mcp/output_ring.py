"""The end of what a program writes, however much it writes."""

from typing import Final

KEPT_BYTES: Final = 16 * 1024


class OutputRing:
    """The last `KEPT_BYTES` that were added."""

    def __init__(self) -> None:
        self._kept = bytearray()
        self.added = 0
        """Bytes in all."""

    def add(self, data: bytes) -> None:
        """Add to the end."""
        self.added += len(data)
        self._kept += data[-KEPT_BYTES:]
        del self._kept[:-KEPT_BYTES]

    def text(self) -> str:
        """What is kept, from the beginning of a line if something is missing before it."""
        kept = bytes(self._kept)
        if self.added > len(kept):
            _, end, rest = kept.partition(b"\n")
            kept = b"[\xe2\x80\xa6]\n" + (rest if end else kept)
        return kept.decode(errors="replace")
