"""Replacement of operator words by symbols before parsing: "twelve times three" becomes 12 * 3."""

import re

from runs.agent.tools.builtin.exact_numbers import FUNCTIONS

CALLABLE = frozenset(FUNCTIONS) - {"log", "sin", "cos", "tan"}
"""The allowed functions. Excluded are ambiguous ones: the base of log, and degrees or radians for sin."""


def _ordinal_power(match: re.Match[str]) -> str:
    words = ["third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"]
    return f"** {words.index(match[1]) + 3}"


_PHRASES = tuple(
    (re.compile(pattern), symbol)
    for pattern, symbol in (
        (r"[×·]", "*"),
        (r"÷", "/"),
        (r"[−–]", "-"),
        (r"(?<=[\d)]) ?x ?(?=[\d(#])", " * "),
        (r"\b(?:raised )?to the (\d+)(?:st|nd|rd|th)(?: power)?\b", r"** \1"),
        (r"\b(?:raised )?to the power(?: of)?\b", "**"),
        (r"\b(?:raised )?to the (third|fourth|fifth|sixth|seventh|eighth|ninth|tenth)(?: power)?\b", _ordinal_power),
        (r"\bsquared\b", "** 2"),
        (r"\bcubed\b", "** 3"),
        (r"\b(?:multiplied by|times)\b", "*"),
        (r"\b(?:divided by|over)\b", "/"),
        (r"\b(?:plus|added to)\b", "+"),
        (r"\bminus\b", "-"),
        (r"\bmodulo\b", "mod"),
        (r"\bnegative (?=[\d#])", "-"),
        (r"\bper ?cent\b", "%"),
        (r"\bsquare root\b", "sqrt"),
        (r"\bcube root\b", "cbrt"),
        (r"\babsolute value\b", "abs"),
        (r"\b(?:average|avg|arithmetic mean)\b", "mean"),
        (r"\b(?:minimum|smallest|lowest|least)\b", "min"),
        (r"\b(?:maximum|largest|highest|biggest|greatest(?! common))\b", "max"),
        (r"\bgreatest common (?:divisor|factor)\b", "gcd"),
        (r"\b(?:least|lowest|min) common multiple\b", "lcm"),
        (r"\b(mean|min|max|median|sum|product|total) (?:value )?(?:of )?(?:numbers? )?(?=#|\d|-|\(|the )", r"\1 of "),
        (r"\btotal of\b", "sum of"),
        (r"^(?:add|add up|sum|sum up|total|total up) (?=[\d#.-]+(?:,|.*,.* and ))(?!.* to )", "sum of "),
        (r"^multiply (?=[\d#.-]+, )(?!.* by )", "product of "),
        (r"\b(?:the|these|numbers)\b", ""),
    )
)


def in_symbols(text: str) -> str:
    """The lower-case text with symbols in place of operator words."""
    for pattern, symbol in _PHRASES:
        text = pattern.sub(symbol, text)
    return " ".join(text.split())


def is_symbolic(text: str) -> bool:
    """True if the text consists of figures, operators, brackets and functions, and can be computed unchanged."""
    words = re.findall(r"([a-z_]+\d*) ?(\(?)", re.sub(r"\d(?:e[+-]?\d)?", "0", text))
    return not set("!#") & set(text) and all((word in CALLABLE and bracket) or word == "pi" for word, bracket in words)
