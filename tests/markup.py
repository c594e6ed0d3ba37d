"""HTML without the line breaks of its templates."""

import re


def flat(html: str) -> str:
    """`html` as if its templates were not broken into lines.

    Line breaks beside a tag are removed, those within a tag or a sentence become one space.
    """
    html = re.sub(r"<\w[^>]*>", lambda tag: re.sub(r"\s*\n\s*", " ", tag[0]).replace(" >", ">"), html)
    return re.sub(r"\s*\n\s*", " ", re.sub(r"(?<=>)\s*\n\s*|\s*\n\s*(?=<)", "", html))
