"""Cron expressions told to people in their language, by cron-descriptor."""

from functools import lru_cache
from typing import Final

from cron_descriptor import CasingTypeEnum, ExpressionDescriptor, Options

_LOCALES: Final = {"de": "de_DE", "zh-hans": "zh_CN"}
"""By language of the pages; any other is told in English."""
_ENGLISH: Final = (
    *("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_NAMES: Final = {
    "de": (
        *("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
        *("Januar", "Februar", "März", "April", "Mai", "Juni"),
        *("Juli", "August", "September", "Oktober", "November", "Dezember"),
    ),
    "zh-hans": (
        *("星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日"),
        *("一月", "二月", "三月", "四月", "五月", "六月", "七月", "八月", "九月", "十月", "十一月", "十二月"),
    ),
}
"""cron-descriptor takes the names of days and months from the process's locale, which is English everywhere."""


@lru_cache(maxsize=2048)
def description_of(cron: str, language: str) -> str:
    """A checked cron expression in words, such as “At 09:00, Monday through Friday”."""
    options = Options()
    options.locale_code = _LOCALES.get(language, "en_US")
    options.use_24hour_time_format = True
    options.casing_type = CasingTypeEnum.Sentence
    options.throw_exception_on_parse_error = True
    description = str(ExpressionDescriptor(cron, options).get_description())
    for english, name in zip(_ENGLISH, _NAMES.get(language, ()), strict=False):
        description = description.replace(english, name)
    return description
