"""Nested text keeps every word, and no text takes much more work than it is longer.

The work is counted for a seeded sample of short texts by default, for all at their full length with `CHAOS=full`.
"""

import os
import random
from cProfile import Profile

import pytest

from runs.markdown import render
from runs.markup.nesting import MAX_LOOKS
from runs.markup.parts import MAX_CHARS
from tests.site.markup.html import words_of

IS_FULL = os.environ.get("CHAOS") == "full"
SEED = os.environ.get("CHAOS_SEED", "9")
CHARS = 6_000 if IS_FULL else 1_500
"""Length of a text whose work is compared with that of twice the text."""


@pytest.mark.parametrize("depth", [9, 12, 40, 300])
@pytest.mark.parametrize(
    "line",
    [
        lambda n: "  " * n + f"- level{n}.",
        lambda n: "> " * (n + 1) + f"level{n}.\n",
        lambda n: "   " * n + f"1. level{n}.",
    ],
    ids=["bullets", "quotes", "numbers"],
)
def test_nothing_of_a_deep_nest_vanishes_and_what_follows_is_markdown(line, depth):
    text = "\n".join(line(level) for level in range(depth)) + "\n\nThe **end**."

    html = render(text)

    assert [f"level{level}." in html for level in range(depth)] == [True] * depth
    assert "<strong>end</strong>" in html


def test_lists_in_quotes_in_lists_keep_every_word_and_fifty_levels_their_bullets():
    assert "deepest" in words_of(render("> - " * 60 + "deepest"))
    assert words_of(render("- " * 49 + "deepest")).strip() == "deepest"
    assert render("- " * 49 + "deepest").count("<ul>") == 49


def test_deep_parts_of_a_list_that_ends_are_all_of_it_that_is_plain():
    deep = "".join("  " * level + f"- a{level}\n" for level in range(60))

    html = render(deep + "- next\n- **last**\n")

    assert '<li dir="auto">next</li>' in html
    assert "<strong>last</strong>" in html
    assert "- a59" in words_of(html)


def test_quotes_that_end_before_their_last_line_keep_every_word():
    html = render("> # h\ny\n" * 2_000 + "\nThe **end**.")

    assert (words_of(html).count("h"), words_of(html).count("y")) == (2_000 + 1, 2_000)
    assert "<strong>end</strong>" in html


def test_a_quote_that_would_be_looked_at_for_ever_is_shown_as_it_was_written():
    text = "> " * 99 + "x\n" + "y\n" * 20_000

    html = render(text)

    assert words_of(html).count("y") == 20_000


def calls_of(text: str) -> int:
    """The number of Python function calls needed to render `text`."""
    profile = Profile(builtins=False)
    profile.enable()
    try:
        render(text)
    finally:
        profile.disable()
    return sum(entry.callcount for entry in profile.getstats())


@pytest.mark.parametrize(
    "piece",
    [
        "> " * 30 + "x\n",
        "- " * 30 + "x\n",
        "> - 1. " * 9 + "x\n",
        r"\[ a" + "\n",
        r"\[ a" + "\n\n",
        "a $$\nb\n\n",
        r"\begin{align}" + "\n",
        r"\(",
        "$a ",
        "$a\\$",
        "$$ ",
        "|$a|b$|c|\n|-|-|\n",
        "重**：*",
        "~~「a",
        "[a](./b) ",
        "[a]: http://a.b\n",
        "- שלום\n",
    ],
)
def test_twice_the_text_costs_about_twice_the_work(piece):
    render("**ready**")
    small, large = piece * (CHARS // len(piece)), piece * (2 * CHARS // len(piece))

    assert calls_of(large) < 2.5 * calls_of(small) + 2_000


LONGEST = [
    ("$$\n\n", "[a]:#b\n"),
    ("", "[a]:#\\(\n"),
    ("$$\n\n", "2. [a]:#b\n"),
    ("$$\n\n- x\n", "  [a]:#b\n"),
    ("", "> # h\ny\n"),
    ("", "> [a]:#b\ny\n"),
    ("", "> ```\ny\n"),
]
"""The beginning of a text, and what fills the rest of it."""


@pytest.mark.parametrize(("head", "piece"), LONGEST if IS_FULL else random.Random(SEED).sample(LONGEST, 2))
def test_the_longest_part_costs_at_most_as_many_times_the_work_as_it_is_longer(head, piece):
    render("**ready**")
    small, large = (head + piece * (chars // len(piece)) for chars in (MAX_CHARS // 8, MAX_CHARS - len(head)))

    assert calls_of(large) < 9 * calls_of(small) + 2_000


def test_each_line_of_a_definition_and_a_formula_after_it_are_found():
    html = render("[a]: #b\n[c]: #d\n\n- [e]: #f\n  [g]: #h\n\n$$\nx\n- y\n$$\n")

    assert "<li" in html and words_of(html).count("]: #") == 4
    assert '<span class="formula formula-block" dir="ltr">$$\nx\n- y\n$$</span>' in html


def test_the_work_inside_of_quotes_is_limited():
    lazy = "> " * 99 + "x\n" + "y\n" * (MAX_LOOKS // 4)

    assert calls_of(lazy) < 12 * calls_of("> x\n" + "y\n" * (MAX_LOOKS // 4))
