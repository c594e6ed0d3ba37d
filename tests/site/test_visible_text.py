"""Arguments are shown completely: every character is visible, and no text can imitate another."""

import pytest

from runs.agent.visible_text import exact
from runs.live.rendering.json_texts import argument_text
from runs.live.rendering.long_texts import fold_argument


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("two words", "two words"),
        ("a\u202egnp.exe", "a⟨U+202E⟩gnp.exe"),
        ("a\u200bb\u2060c\ufeffd", "a⟨U+200B⟩b⟨U+2060⟩c⟨U+FEFF⟩d"),
        ("a\tb", "a␉b"),
        ("a\r\nb", "a␍\nb"),
        (" a \n", "␠a␠␊\n"),
        ("   ", "␠␠␠"),
        ("a\xa0b\u3000c", "a⟨U+00A0⟩b⟨U+3000⟩c"),
        ("hi\U000e0041\U000e0042", "hi⟨U+E0041⟩⟨U+E0042⟩"),
        ("a\u3164b", "a⟨U+3164⟩b"),
        ("p\u0430ypal.com", "p\u0430⟨U+0430⟩ypal.com"),
        ("Привет, мир", "Привет, мир"),
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"),
        ("👩\u200d👧 ❤\ufe0f", "👩\u200d👧 ❤\ufe0f"),
        ("pay\u200dpal", "pay⟨U+200D⟩pal"),
    ],
)
def test_what_cannot_be_seen_or_looks_like_another_letter_is_named(text: str, shown: str) -> None:
    assert exact(text) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (5, "5"),
        ("5", '"5"'),
        (True, "true"),
        ("true", '"true"'),
        (None, "null"),
        ("null", '"null"'),
        ("", '""'),
        ("NaN", '"NaN"'),
        ([1], "[1]"),
        ("[1]", '"[1]"'),
        ('"5"', '"\\"5\\""'),
        ("5 apples", "5 apples"),
        (1e22, "1e+22"),
        (-0.0, "-0.0"),
        (12345678901234567, "12345678901234567"),
    ],
)
def test_a_text_is_not_taken_for_a_number_a_list_or_nothing(value: object, shown: str) -> None:
    assert argument_text(value) == shown
    assert fold_argument(0, value).text == shown


def test_no_two_different_values_are_shown_alike() -> None:
    values = [
        5,
        "5",
        5.0,
        "5.0",
        None,
        "null",
        "",
        '""',
        [],
        "[]",
        {},
        "{}",
        ["5"],
        '["5"]',
        "a",
        "a ",
        "a\t",
        "[",
        '"',
    ]

    assert len({exact(argument_text(value)) for value in values}) == len(values)


def test_what_is_nested_deeply_is_shown_on_one_line_and_not_mostly_as_spaces() -> None:
    deep: list[object] = [7] * 10_000
    for _ in range(90):
        deep = [deep]

    assert len(argument_text(deep)) < 40_000
