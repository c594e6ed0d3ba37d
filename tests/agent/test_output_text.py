"""What a model reads of a tool's output."""

import pytest

from runs.agent.output_text import MODEL_SEES_BYTES, cut_text, is_cut, output_text, readable


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("plain\ttext\n", "plain\ttext\n"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]8;;http://a.example\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b(Bascii\x1b7\x1b8\x1bc", "ascii"),
        ("\x1b[" + "1" * 100 + "m", "1" * 100 + "m"),
        ("\x1b", "␛"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("a\u202eb\ufeff\u200b\x00\x7f\x85", "a⟨U+202E⟩b⟨U+FEFF⟩⟨U+200B⟩␀␡⟨U+0085⟩"),
        ("\u200eleft", "⟨U+200E⟩left"),
        ("שלום \u200e(1)", "שלום \u200e(1)"),
        ("👩\u200d🚀 ❤\ufe0f", "👩\u200d🚀 ❤\ufe0f"),
        ("a\ufe00\ufe01", "a\ufe00⟨U+FE01⟩"),
        ("葛\U000e0100", "葛\U000e0100"),
        ("\U000e0041", "⟨U+E0041⟩"),
    ],
)
def test_terminal_escapes_are_left_out_and_what_is_invisible_is_named(text: str, read: str) -> None:
    assert readable(text) == read
    assert readable(read) == read


@pytest.mark.parametrize("letter", ["x", "ü", "漢", "😀"])
def test_a_long_text_is_cut_at_its_bytes_and_says_so(letter: str) -> None:
    whole = letter * (MODEL_SEES_BYTES // len(letter.encode()))
    longer = whole + letter * 5

    assert output_text(whole) == whole
    kept, _, told = output_text(longer).rpartition("\n")
    assert MODEL_SEES_BYTES - 4 < len(kept.encode()) <= MODEL_SEES_BYTES
    assert longer.startswith(kept)
    assert f"of {len(longer.encode()):,} bytes are shown" in told
    assert is_cut(output_text(longer))
    assert not is_cut(whole)


def test_other_values_are_json() -> None:
    assert output_text({"a": ["ü", 1.5, None]}) == '{"a": ["ü", 1.5, null]}'
    assert output_text(None) == "null"


def test_the_line_about_a_cut_is_short_enough_to_be_found() -> None:
    assert is_cut(cut_text("x" * 10**8))
