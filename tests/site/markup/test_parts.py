"""A long text comes in parts, and all of it is there."""

import re
from html import unescape

import pytest

from runs.markdown import Rendered, render
from runs.markup.parts import MAX_CHARS, split
from tests.site.markup.html import words_of


@pytest.mark.parametrize(
    "block",
    [
        "A **paragraph** of some length, number {}.\n\n",
        "- item {} of a long list\n",
        "line {} without an end ",
        "```py\nx = {}\n```\n\n",
    ],
)
def test_a_long_text_comes_in_parts_and_all_of_it_is_there(block):
    text = "".join(block.format(f"<{number}>") for number in range(200_000 // len(block)))

    rendered = Rendered.of(render(text))

    assert len(rendered.parts) == -(-len(text) // MAX_CHARS) or len(rendered.parts) == len(text) // MAX_CHARS + 2
    assert rendered.rest is None
    numbers = re.findall(r"<(\d+)>", unescape("".join(re.sub(r"</?[a-z][^>]*>", "", part) for part in rendered.parts)))
    assert numbers == [str(number) for number in range(200_000 // len(block))]


def test_code_over_several_parts_is_code_in_each():
    text = "Look:\n\n```py\n" + "x = 1  # **not bold**\n" * 8_000 + "```\n\nThe **end**."

    parts = Rendered.of(render(text)).parts

    assert all("<pre>" in part and "<strong>not" not in part for part in parts)
    assert "<strong>end</strong>" in parts[-1]
    assert sum(words_of(part).count("x = 1") for part in parts) == 8_000


def test_after_the_fourth_part_it_says_where_the_rest_begins():
    text = "word " * 100_000

    rendered = Rendered.of(render(text))

    assert len(rendered.parts) == 4
    assert rendered.rest is not None
    assert "".join(words_of(part) + " " for part in rendered.parts) == text[: rendered.rest]


def test_a_text_cannot_divide_itself():
    assert Rendered.of(render("a <!--part--> b\n\n<!--rest 5-->")).parts == [render("a <!--part--> b\n\n<!--rest 5-->")]
    assert len(Rendered.of(render("**x** <!--part--> `<!--rest 3-->`")).parts) == 1


def test_parts_follow_on_one_another():
    text = "para\n\n" * 60_000

    parts = list(split(text))

    assert "".join(part.text for part in parts) == text
    assert max(len(part.text) for part in parts) <= MAX_CHARS
