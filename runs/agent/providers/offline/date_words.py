"""Dates written in words."""

import re

_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
_MONTH = "|".join(f"{name[:3]}(?:{name[3:]})?" if len(name) > 3 else name for name in _MONTHS)
_NUMBER = r"(\d{1,2})(?:st|nd|rd|th)?"
_DAY_FIRST = re.compile(rf"\b{_NUMBER}(?: of)? ({_MONTH}|sept)\.?,? (\d{{4}})\b", re.IGNORECASE)
_MONTH_FIRST = re.compile(rf"\b({_MONTH}|sept)\.? {_NUMBER},? (\d{{4}})\b", re.IGNORECASE)
_HOLIDAYS = {
    "christmas eve": "12-24",
    "christmas day": "12-25",
    "christmas": "12-25",
    "new year's eve": "12-31",
    "new year's day": "01-01",
    "new years day": "01-01",
    "new year": "01-01",
    "halloween": "10-31",
}
_HOLIDAY = re.compile(rf"\b({'|'.join(_HOLIDAYS)})(?: of| in|,)? (\d{{4}})\b(?!-)", re.IGNORECASE)
_YEAR_FIRST = re.compile(r"\b(\d{4})[/.](\d{1,2})[/.](\d{1,2})\b")


def with_iso_dates(text: str, written: dict[str, str] | None = None) -> str:
    """The text with dates such as "22 November 2026" as 2026-11-22. `written` gets what stood there, by the date.

    11/22/2026 is kept: the order of month and day is ambiguous.
    """

    def noted(match: re.Match[str], date: str) -> str:
        if written is not None:
            written[date] = match[0]
        return date

    text = _DAY_FIRST.sub(lambda match: noted(match, _iso(match[3], match[2], match[1])), text)
    text = _MONTH_FIRST.sub(lambda match: noted(match, _iso(match[3], match[1], match[2])), text)
    text = _HOLIDAY.sub(lambda match: noted(match, f"{match[2]}-{_HOLIDAYS[match[1].lower()]}"), text)
    return _YEAR_FIRST.sub(lambda match: noted(match, f"{match[1]}-{int(match[2]):02}-{int(match[3]):02}"), text)


def _iso(year: str, month: str, day: str) -> str:
    number = next(index for index, name in enumerate(_MONTHS, 1) if name.startswith(month[:3].lower()))
    return f"{year}-{number:02}-{int(day):02}"
