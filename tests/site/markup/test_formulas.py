"""Formulas are shown as they were written, and money is no formula."""

import re
from html import unescape

import pytest

from runs.markdown import render
from tests.site.markup.html import words_of

FORMULAS = [
    r"\(x_1\)",
    r"\(a_1*b_2*c_3\)",
    r"\[A = \begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}\]",
    "\\[\nx\n=\ny\n- z \\\\\n+ w\n\\]",
    "$$\n\\begin{aligned}\na_1 &= b*c \\\\\n\n- d &= e*f\n\\end{aligned}\n$$",
    "$a_1 + a_2*b_2*c$",
    "$[a](b)$",
    "$\\$5 \\times x*y*z$",
    "$$E = mc^2_*a*$$",
    "\\begin{align*}\na &= b \\\\\n&= c_1*d*e\n\\end{align*}",
    r"\(\{x \mid x > 0\}\)",
    "$<b>$",
]


@pytest.mark.parametrize("formula", FORMULAS)
@pytest.mark.parametrize(
    "around", ["{}", "So {}, *then*.", "如{}所示。", "**{}**"], ids=["alone", "prose", "cjk", "bold"]
)
def test_a_formula_is_shown_as_it_was_written(formula, around):
    html = render(around.replace("{}", formula))

    shown = re.findall(r'<span class="formula[^"]*" dir="ltr">(.*?)</span>', html, re.DOTALL)
    assert [unescape(each) for each in shown] == [formula]


@pytest.mark.parametrize("formula", [each for each in FORMULAS if "\n\n" not in each])
@pytest.mark.parametrize("marker", ["- ", "1. ", "> ", "- > - "])
def test_a_formula_is_shown_as_it_was_written_in_lists_and_quotes(formula, marker):
    indent = "> " if marker == "> " else "  > " + "  " if marker == "- > - " else " " * len(marker)
    html = render(marker + formula.replace("\n", "\n" + indent) + "\n\nEnd")

    shown = re.findall(r'<span class="formula[^"]*" dir="ltr">(.*?)</span>', html, re.DOTALL)
    assert [unescape(each) for each in shown] == [formula]


@pytest.mark.parametrize("formula", [r"$P(A|B)$", r"$\|x\|$", "$|x|$", r"\(\left|a_1*b*c\right|\)", r"$$a_1*b*$$"])
def test_a_formula_in_a_table_stays_in_its_cell(formula):
    html = render(f"|a|b|\n|-|-|\n|{formula}|two|\n")

    assert f'<td dir="auto"><span class="formula{" formula-block" if formula[:2] == "$$" else ""}" dir="ltr">' in html
    assert formula in unescape(html)
    assert '<td dir="auto">two</td>' in html


@pytest.mark.parametrize(
    "text",
    [
        "It costs $5 and $10.",
        "From US$5 to US$6, or R$7-R$8.",
        "Between $5-$10, $5/$10 and $1,000.50.",
        "It is $5 and 10$ more.",
        "$HOME and $PATH",
        "Sushi ($$), ramen ($$), *bread* ($)".replace("*", ""),
        "|$5|$10|\n|-|-|",
        "5$ or 10$",
        "It is $5.",
        "`$x$` costs $2.",
        "Use `\\[` and `\\]`.",
    ],
)
def test_money_variables_and_code_are_no_formulas(text):
    assert "formula" not in render(text)


def test_emphasis_goes_on_beside_prices():
    assert render("**$5** and **$10**").count("<strong>") == 2


def test_code_with_formulas_is_code():
    html = render("```tex\n\\[ x_1 \\]\n$a$\n```\n\n    \\( y \\)\n")

    assert "formula" not in html
    assert words_of(html).split("\n")[:2] == [r"\[ x_1 \]", "$a$"]


def test_an_opening_without_a_closing_changes_nothing_around_it():
    html = render("\\[ never closed\n\n- a\n- b\n\n$$ nor this\n\n1. one")

    assert html.count("<li") == 3
