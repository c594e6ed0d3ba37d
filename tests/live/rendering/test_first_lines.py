"""The line that stands for a text in rows: its words as they were written."""

import time

import pytest

from runs.live.rendering.first_lines import MOST_READ, first_line


@pytest.mark.parametrize(
    "text",
    [
        "what is 2**10?",
        "2**10 and 3**4",
        "2 * 3 * 4",
        "f(*args, **kwargs)",
        "rename **/*.py to src/**/*.py",
        "'**/*.py','**/*.js'",
        "what does __init__ do?",
        "a_b_c",
        "the key ` is broken",
        "`",
        "#",
        "C#",
        "#7 is late",
        "-5 degrees",
        "> ",
    ],
)
def test_a_mark_without_a_partner_is_text(text: str) -> None:
    assert first_line(text) == text.strip()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("## The **tide** is high", "The tide is high"),
        ("\n---\n> - *Low* tide at `06:10`.", "Low tide at 06:10."),
        ("Use `2**10` for **that**", "Use 2**10 for that"),
        ("**`key`**: *a* and ***b***", "key: a and b"),
        ("这是**重要**的", "这是重要的"),
        ("| Port | Tide |\n|---|---|", "Port | Tide"),
        ("```python\nprint(1)\n```", "print(1)"),
    ],
)
def test_marks_that_make_a_heading_a_list_or_emphasis_are_left_out(text: str, words: str) -> None:
    assert first_line(text) == words


@pytest.mark.parametrize("mark", ["*a ", "**", "`", "> ", "*a* ", "a** *", "`*"])
def test_a_line_of_marks_takes_no_time(mark: str) -> None:
    began = time.process_time()

    first_line(mark * MOST_READ)

    assert time.process_time() - began < 0.1
