"""The result of a call as a tool's output: texts, JSON, and files."""

import base64
import binascii
from typing import Any, Final

import mcp_types as types

from runs.agent.errors.exceptions import ToolFailed
from runs.agent.files.file_info import MAX_FILE_BYTES, Artifact
from runs.agent.output_text import readable

MOST_FILES: Final = 20
"""Of one result; the others are named."""
MOST_ERROR_CHARS: Final = 4_000
_SUFFIXES: Final = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "image/webp": "webp",
    "audio/wav": "wav",
    "audio/mpeg": "mp3",
    "application/pdf": "pdf",
    "text/csv": "csv",
    "text/plain": "txt",
    "application/json": "json",
}


def output_of(result: types.CallToolResult) -> Any:
    """The output: a text, the structured content if there is no text, or a list with files. Raises `ToolFailed` with
    the server's words for a result that is an error."""
    if result.is_error:
        words = "\n".join(each.text for each in result.content if isinstance(each, types.TextContent))
        raise ToolFailed(words[:MOST_ERROR_CHARS] or "The server gave an error without a word.")
    parts: list[Any] = []
    files = 0
    for block in result.content:
        part = _part(block, files + 1)
        files += isinstance(part, Artifact)
        parts.append(_left_out(part) if isinstance(part, Artifact) and files > MOST_FILES else part)
    if result.structured_content is not None and all(isinstance(part, str) for part in parts):
        # What older clients read as text is the same again.
        return result.structured_content
    if all(isinstance(part, str) for part in parts):
        return "\n\n".join(parts)
    return parts[0] if len(parts) == 1 else parts


def _part(block: types.ContentBlock, number: int) -> Any:
    match block:
        case types.TextContent():
            return block.text
        case types.ImageContent() | types.AudioContent():
            return _file(block.data, block.mime_type, f"{block.type}-{number}")
        case types.EmbeddedResource(resource=types.TextResourceContents() as resource):
            return f"{resource.uri}:\n{resource.text}"
        case types.EmbeddedResource(resource=types.BlobResourceContents() as resource):
            name = str(resource.uri).rstrip("/").rpartition("/")[2][:100]
            return _file(resource.blob, resource.mime_type or "", name or f"file-{number}")
        case types.ResourceLink():
            return {"resource": str(block.uri), "name": block.name, "description": block.description}
    return f"[{type(block).__name__}]"


def _file(data: str, media_type: str, name: str) -> Artifact | str:
    """The file, or what is said in place of one that is too large or none."""
    if len(data) > MAX_FILE_BYTES * 4 // 3:
        return f"[{name}: a file of more than {MAX_FILE_BYTES:,} bytes, left out]"
    try:
        content = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return f"[{name}: not the Base64 of a file]"
    kind = media_type.partition(";")[0].strip().lower()
    suffix = _SUFFIXES.get(kind, "")
    shown = readable(name) if "." in name or not suffix else f"{readable(name)}.{suffix}"
    return Artifact(shown, kind if suffix else "application/octet-stream", content)


def _left_out(file: Artifact) -> str:
    return f"[{file.name}: left out, there are more than {MOST_FILES} files]"
