"""The size limit of tool outputs, for models, pages and the database."""

import hashlib
import json
from typing import Any, Final

MAX_OUTPUT_BYTES: Final = 1 << 20
"""Size limit of the output as JSON in UTF-8."""
_PIECE: Final = 1 << 20
_LONGEST_ESCAPE: Final = len("\\u0001")


def cut_output(value: Any, encoded: bytes) -> str:
    """The beginning of an output that is too long, at most `MAX_OUTPUT_BYTES` as JSON, after a line about the cut.

    `encoded` is the output's JSON. A string is cut as text, any other value as JSON. The line has the hash of the full
    output, to be compared with a file or a later output.
    """
    return cut_string(value if isinstance(value, str) else encoded.decode())


def cut_string(text: str) -> str:
    """The beginning of a text, as `cut_output`. A half of a character counts as a question mark."""
    size, digest = 0, hashlib.sha256()
    for start in range(0, len(text), _PIECE):  # As a whole, it would be in memory twice.
        piece = text[start : start + _PIECE].encode(errors="replace")
        size += len(piece)
        digest.update(piece)
    kept = _beginning(text)
    told = f"{len(kept.encode()):,} of {size:,} bytes are kept; SHA-256 of all: {digest.hexdigest()}"
    return f"[cut: the first {told}]\n{kept}"


def _beginning(text: str) -> str:
    """The longest beginning whose JSON, with quotation marks and escapes, has at most `MAX_OUTPUT_BYTES`."""
    written = _written(text[:MAX_OUTPUT_BYTES])[: MAX_OUTPUT_BYTES - 1].decode(errors="ignore")
    # The cut may be inside an escape (`\n`, `\u0001`): drop characters until the JSON is valid.
    for dropped in range(_LONGEST_ESCAPE):
        try:
            kept: str = json.loads(f'{written[: len(written) - dropped]}"')
        except ValueError:
            continue
        return kept
    raise AssertionError(written[-_LONGEST_ESCAPE:])


def _written(text: str) -> bytes:
    return json.dumps(text, ensure_ascii=False).encode(errors="replace")
