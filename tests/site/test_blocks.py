"""A text that is still being written, cut into sections that are rendered one by one."""

import re
from itertools import accumulate, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runs import markdown
from runs.markup.blocks import Cutter, _Section, cut

LINES = [
    *(
        "",
        "",
        "",
        "Words of a **line**.",
        "plain",
        "  continued",
        "    code",
        "\tcode",
        "**bold",
        "`code",
        "$5 and 10$",
    ),
    *("- item", "* star", "1. one", "10) ten", "  - nested", "   1. x", "- [x] done", "- ```", "  ```", "1", "-", "+"),
    *("```py", "```", "~~~", "````", "# Head", "### Deep", "Title", "===", "---", "> quote", "> - item", ">"),
    *("| a | b |", "|---|--:|", "| 1 | 2 |", "a | b", "---|---", "<b>html</b>", "![i](http://x)", "[l](http://x.y)"),
    *("$$", "\\[", "\\]", "x = 1", "$$x$$", "\\begin{align}", "\\end{align}", "סוף"),
]
TEXTS = st.lists(st.sampled_from(LINES), max_size=14).map("\n".join)


def sections(text: str) -> list[str]:
    """The sections of a text, the open one last."""
    return [text[start:end] for start, end in pairwise([0, *cut(text).ends, len(text)])]


def without_spaces(html: str) -> str:
    """The HTML without white space, which separates blocks."""
    return re.sub(r"\s+", "", html)


@given(TEXTS)
@settings(max_examples=300)
def test_sections_that_are_rendered_one_by_one_are_the_whole_text(text):
    one_by_one = "".join(markdown.render_part(section) for section in sections(text))

    assert without_spaces(one_by_one) == without_spaces(markdown.render_part(text))


@given(TEXTS, st.integers(0, 150))
@settings(max_examples=300)
def test_a_section_that_is_finished_stays_so_whatever_comes_after_it(text, length):
    early = cut(text[:length]).ends

    assert cut(text).ends[: len(early)] == early


@pytest.mark.parametrize(
    ("text", "finished"),
    [
        ("One.\n\nTwo", ["One.\n\n"]),
        ("One.\n\n", []),
        ("# Head\nWords", ["# Head\n"]),
        ("Here:\n```py\nx = 1\n\ny = 2\n```\nThen", ["Here:\n", "```py\nx = 1\n\ny = 2\n```\n"]),
        ("```py\nx = 1\n\ny = 2\n", []),
        ("- a\n\n- b\n\n  more\n\nEnd", ["- a\n\n- b\n\n  more\n\n"]),
        ("1. a\n\n2", []),
        ("$$\nx\n\ny\n$$\n\nEnd", ["$$\nx\n\ny\n$$\n\n"]),
    ],
)
def test_a_block_is_finished_when_it_is_certain_that_another_begins(text, finished):
    assert sections(text)[:-1] == finished


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("A paragraph.\n\n", "A paragraph.\n\n"),
        ("A paragraph", ""),
        ("- a\n- b\n- c", "- a\n- b\n"),
        ("| a | b |\n|---|---|\n| 1 |", "| a | b |\n|---|---|\n"),
        ("| a | b |\n", ""),
        ("```py\nx = 1\n", ""),
    ],
)
def test_of_an_open_section_the_finished_lines_of_a_list_or_table_can_be_shown(text, shown):
    assert text[: cut(text).shown] == shown


def test_a_cut_goes_on_from_the_last_one():
    text = "One.\n\n# Two\n\nThree.\n\nFour"
    first, *later = cut(text).ends

    assert cut(text, first).ends == later


@given(TEXTS, st.lists(st.integers(0, 20), max_size=20))
@settings(max_examples=300)
def test_a_text_that_grows_is_cut_as_the_same_text_is_at_once(text, lengths):
    cutter, ends = Cutter(), []
    for length in accumulate(lengths):
        start = cutter.start
        found = cutter.cut(text[:length])
        assert found == cut(text[:length], start)
        ends += found.ends

    assert [*ends, *cutter.cut(text).ends] == cut(text).ends


def test_each_line_of_an_open_section_is_looked_at_once(monkeypatch):
    lines = []
    add = _Section.add

    def count_and_add(section, line):
        lines.append(line)
        add(section, line)

    monkeypatch.setattr(_Section, "add", count_and_add)
    text, cutter = "```\n" + "\n" * 500, Cutter()

    for length in range(len(text) + 1):
        cutter.cut(text[:length])

    assert len(lines) == 501
