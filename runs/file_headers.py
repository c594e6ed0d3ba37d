"""The headers of a response with a file that people gave or a tool made: an attachment, never a page of this site."""

from typing import Final
from urllib.parse import quote

SANDBOXED: Final = "sandbox; default-src 'none'; style-src 'unsafe-inline'"
"""The policy for a browser that opens the file as a page all the same. An SVG keeps its styles."""


def file_headers(name: str, media_type: str, size: int) -> dict[str, str]:
    """Headers for a file of `size` bytes. The name is sent twice: in ASCII for old clients, and as it is (RFC 6266)."""
    ascii_name = "".join(each if each.isascii() and each.isprintable() and each not in '"\\?' else "_" for each in name)
    charset = "; charset=utf-8" if media_type.startswith("text/") else ""
    return {
        "Content-Type": f"{media_type}{charset}",
        "Content-Length": str(size),
        "Content-Disposition": f"attachment; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(name)}",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": SANDBOXED,
        "Cross-Origin-Resource-Policy": "same-origin",
    }
