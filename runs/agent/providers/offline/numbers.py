"""Numbers in words and figures, and their form in an answer."""

import re

_UNITS = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_SMALL = {word: value for value, word in enumerate(_UNITS)} | {word: 10 * (i + 2) for i, word in enumerate(_TENS)}
_LARGE = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_WORD = "|".join([*_SMALL, "hundred", *_LARGE])
_SPOKEN = re.compile(
    rf"\b(?:a (?=hundred|thousand|million))?(?:{_WORD})\b(?:(?:[ -]| and )(?:{_WORD})\b)*", re.IGNORECASE
)
_FIGURE = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_FIGURE_AND_SCALE = re.compile(rf"(?<![\w.,])({_FIGURE}) (thousand|million|billion|trillion)\b", re.IGNORECASE)


def with_figures(text: str) -> str:
    """The text with its number words as figures: "twenty-one plus two and a half" becomes "21 plus 2.5"."""
    text = _FIGURE_AND_SCALE.sub(_scaled, text)
    text = re.sub(r"\b(a|one) dozen\b", "12", text, flags=re.IGNORECASE)
    text = _SPOKEN.sub(lambda match: " and ".join(map(str, _values(match[0].lower()))), text)
    text = re.sub(r"(?<![\w.,])(\d+) point ((?:\d )*\d)\b", lambda m: f"{m[1]}.{m[2].replace(' ', '')}", text)
    return re.sub(r"(?<![\w.,])(\d+) and a half\b", r"\1.5", text)


def _scaled(match: re.Match[str]) -> str:
    whole, _, decimals = match[1].replace(",", "").partition(".")
    zeros = len(str(_LARGE[match[2].lower()])) - 1
    if len(decimals) > zeros:
        return match[0]
    return str(int(whole + decimals.ljust(zeros, "0")))


def _values(words: str) -> list[int | str]:
    """The numbers in a sequence of words: "one hundred and five" is one, "five and six" are two."""
    numbers: list[int | str] = []
    for part in _joined(words.replace("-", " ")):
        value = _value(part.split())
        numbers.append(part if value is None else value)
    return numbers


def _joined(words: str) -> list[str]:
    """Split at "and", but not after hundred, thousand and so on when less than a hundred follows."""
    parts: list[str] = []
    for part in words.split(" and "):
        follows_large = bool(parts) and parts[-1].split()[-1] in {"hundred", *_LARGE}
        if follows_large and all(word in _SMALL for word in part.split()):
            parts[-1] += " " + part
        else:
            parts.append(part)
    return parts


def _value(words: list[str]) -> int | None:
    """The number that the words express; None if they are not a single number, such as "two three"."""
    total, current, last = 0, 0, 10**15
    for word in words:
        if word == "a":
            current = 1
        elif word in _SMALL:
            if current % 100 and not (current % 100 >= 20 and current % 10 == 0 and 0 < _SMALL[word] < 10):
                return None
            current += _SMALL[word]
        elif word == "hundred":
            if not 0 < current < 10:
                return None
            current *= 100
        elif _LARGE[word] >= last or not current:
            return None
        else:
            last = _LARGE[word]
            total, current = total + current * last, 0
    return total + current


def number_text(value: float) -> str:
    """The number as text for an answer: at most 6 decimals, with "about" if digits were dropped."""
    if isinstance(value, int):
        return str(value)
    exact = f"{value:.15g}"
    figures = re.sub(r"e.*|[-.]", "", exact).lstrip("0")
    if len(figures) <= 10:
        return exact
    if "e" in exact or abs(value) < 0.001:
        return f"about {value:.6g}"
    rounded = f"{value:.6f}".rstrip("0").rstrip(".")
    return rounded if float(rounded) == value else f"about {rounded}"
