r"""Delimiters of formulas: `\(…\)`, `\[…\]`, `$$…$$`, `\begin{…}…\end{…}`."""

import re

_ENVIRONMENTS = (
    "align|alignat|alignedat|aligned|array|bmatrix|Bmatrix|cases|dcases|eqnarray|equation|flalign|gathered|gather"
    "|matrix|multline|pmatrix|rcases|smallmatrix|split|subequations|vmatrix|Vmatrix"
)

OPENING = re.compile(rf"\\\(|\\\[|\$\$|\\begin\{{(?:{_ENVIRONMENTS})\*?\}}")

_CLOSINGS = {r"\(": r"\)", r"\[": r"\]", "$$": "$$"}


def closing_of(opening: str) -> str:
    """The closing delimiter of `opening`."""
    return _CLOSINGS.get(opening) or opening.replace("begin", "end", 1)
