"""Words that say when."""

import pytest

from runs.recurrence.cron import RecurrenceRefused, checked_cron
from runs.recurrence.phrases import EXAMPLES, USUAL, cron_of


@pytest.mark.parametrize(
    ("text", "cron"),
    [
        ("every weekday at 9:00", "0 9 * * 1-5"),
        ("Every Weekday at 9 am", "0 9 * * 1-5"),
        ("weekdays at 9pm", "0 21 * * 1-5"),
        ("every weekend at noon", "0 12 * * 0,6"),
        ("every day at midnight", "0 0 * * *"),
        ("daily at 9:00 and 17:00", "0 9,17 * * *"),
        ("every day at 12:30 am", "30 0 * * *"),
        ("every Monday and Thursday at 17:30", "30 17 * * 1,4"),
        ("every Monday, Wednesday, and Friday at 8", "0 8 * * 1,3,5"),
        ("on Mondays at noon", "0 12 * * 1"),
        ("Monday to Friday at 9:00", "0 9 * * 1-5"),
        ("every friday to monday at 9:00", "0 9 * * 0,1,5,6"),
        ("every tue, thu at 7:15", "15 7 * * 2,4"),
        ("every minute", "* * * * *"),
        ("every 15 minutes", "*/15 * * * *"),
        ("every 15 minutes between 9:00 and 17:00 on weekdays", "*/15 9-16 * * 1-5"),
        ("every 10 minutes from 22:00 to midnight", "*/10 22-23 * * *"),
        ("hourly", "0 * * * *"),
        ("every hour on Mondays", "0 * * * 1"),
        ("every 2 hours", "0 */2 * * *"),
        ("every 2 hours between 8:00 and 18:00", "0 8-18/2 * * *"),
        ("on the 1st at 08:00", "0 8 1 * *"),
        ("on the 1st and 15th at 8", "0 8 1,15 * *"),
        ("monthly on the 3rd at 8:00", "0 8 3 * *"),
        ("on the last day of the month at 6:00", "0 6 L * *"),
        ("on the first Monday of the month at 9:00", "0 9 * * 1#1"),
        ("every last Friday at 17:00", "0 17 * * 5L"),
        ("on the 24th of December at 18:00", "0 18 24 12 *"),
        ("0 9 * * 1-5", "0 9 * * 1-5"),
        ("  0  9 * * mon-fri ", "0 9 * * MON-FRI"),
        ("*/5 * * * *", "*/5 * * * *"),
        ("0 0 1 JAN,JUL *", "0 0 1 JAN,JUL *"),
    ],
)
def test_words_mean_a_cron_expression(text: str, cron: str) -> None:
    assert cron_of(text) == cron


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "Say when it runs."),
        ("   ", "Say when it runs."),
        ("now and then", "“now and then” is not understood."),
        ("every", "is not understood"),
        ("every day", "Say at what time"),
        ("every weekday at", "“” is no time of day"),
        ("every day at 25:00", "“25:00” is no time of day"),
        ("every day at 24:00", "“24:00” is no time of day"),
        ("every day at 9:5", "“9:5” is no time of day"),
        ("every day at 13 pm", "“13 pm” is no time of day"),
        ("every day at 9:00 sharp", "“sharp” is not understood."),
        ("every day at 9:00 and 17:30", "different minutes"),
        ("every 90 minutes", "An interval of minutes divides an hour"),
        ("every 5 hours", "An interval of hours divides a day"),
        ("every 0 minutes", "An interval of minutes divides an hour"),
        ("every 15 days", "“15 days” is not understood."),
        ("every other week at 9:00", "Every other day or week is no recurrence of cron."),
        ("every second Monday at 9:00", "Every other day or week is no recurrence of cron."),
        ("every 15 minutes between 9:30 and 17:00", "full ones"),
        ("every 15 minutes between 17:00 and 9:00", "after the first one"),
        ("every 15 minutes between 9:00", "Say until when"),
        ("every Monday and always at 9:00", "“always” is no weekday"),
        ("on the 1st of Smarch at 9:00", "“smarch” is no month"),
        ("on the 32nd at 9:00", "“32” is no day of a month"),
        ("every ٣ minutes", "is not understood"),
        ("60 9 * * *", "“60” is no minute"),
        ("every day at 9:00 " * 20, "At most 200 characters."),
    ],
)
def test_words_that_say_no_time_are_refused_with_the_reason(text: str, told: str) -> None:
    with pytest.raises(RecurrenceRefused) as refusal:
        cron_of(text)

    assert told in str(refusal.value)


def test_words_that_are_not_understood_are_answered_with_examples_that_are() -> None:
    with pytest.raises(RecurrenceRefused) as refusal:
        cron_of("whenever it rains")

    for example in EXAMPLES:
        assert example in str(refusal.value)
        assert checked_cron(cron_of(example))


def test_the_usual_times_are_understood() -> None:
    assert [cron_of(words) for words in USUAL] == ["0 8 * * 1-5", "0 9 * * 1", "0 8 1 * *"]
