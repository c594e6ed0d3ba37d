"""Model text is rendered completely and as intended, in every script."""

import re
import sys
from html import unescape
from html.parser import HTMLParser

import pytest

from runs import markdown
from runs.markdown import Rendered, render
from runs.markup.nesting import MAX_LOOKS
from runs.markup.parts import MAX_CHARS, split


def words_of(html: str) -> str:
    """The text of `html` that a reader sees."""
    return unescape(re.sub(r"<[^>]*>", "", html))


class Tags(HTMLParser):
    """The elements of a piece of HTML, each with its attributes and the text that begins in it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None], str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs), ""))

    def handle_data(self, data: str) -> None:
        if self.found:
            tag, attributes, text = self.found[-1]
            self.found[-1] = tag, attributes, text or data.strip()


# Nesting


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
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        render(text)
    finally:
        sys.setprofile(before)
    return calls


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
    small, large = piece * (6_000 // len(piece)), piece * (12_000 // len(piece))

    assert calls_of(large) < 2.5 * calls_of(small) + 2_000


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        ("$$\n\n", "[a]:#b\n"),
        ("", "[a]:#\\(\n"),
        ("$$\n\n", "2. [a]:#b\n"),
        ("$$\n\n- x\n", "  [a]:#b\n"),
        ("", "> # h\ny\n"),
        ("", "> [a]:#b\ny\n"),
        ("", "> ```\ny\n"),
    ],
)
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


# What CommonMark leaves out


def test_cells_beyond_the_header_are_shown():
    html = render("|a|b|\n|-|-|\n|1|2|3|**4**|\n|5|6|\n")

    assert '<td dir="auto">3 | <strong>4</strong></td>' in html


def test_a_definition_nobody_uses_is_shown_and_one_that_is_used_is_not():
    html = render("See [one].\n\n[one]: https://a.example\n[two]: https://b.example\n[one]: https://c.example\n")

    assert '<a href="https://a.example"' in html
    assert "[two]: https://b.example" in words_of(html)
    assert "https://c.example" in words_of(html)
    assert words_of(html).count("a.example") == 0


@pytest.mark.parametrize("link", ["[notes](./notes.md)", "[x](javascript:alert(1))", "[file](file:///etc/hosts)"])
def test_a_link_that_is_refused_is_shown_with_its_address(link):
    assert words_of(render(f"See {link} there.")).strip() == f"See {link} there."


def test_a_link_into_the_text_itself_is_its_words():
    assert words_of(render("- [Intro](#intro)")).strip() == "Intro"


# Emphasis


@pytest.mark.parametrize(
    ("text", "tag", "inside"),
    [
        ("他说**“你好”**的时候。", "strong", "“你好”"),
        ("**重点：**这是一个测试。", "strong", "重点："),
        ("これは**「重要」**な点です。", "strong", "「重要」"),
        ("**스크립트(script)**라고", "strong", "스크립트(script)"),
        ("و**«اقتباس»** بعده", "strong", "«اقتباس»"),
        ("ה**„ציטוט”** אחרי", "strong", "„ציטוט”"),
        ("이것은 *(중요)*한 점", "em", "(중요)"),
        ("これは~~「削除」~~です", "s", "「削除」"),
        ("这是***“很”***重要", "strong", "“很”"),
        ("完成**（100%）**了", "strong", "（100%）"),
        ("请看**`code`**和", "strong", '<code dir="ltr">code</code>'),
        ("这是**✅完成**的", "strong", "✅完成"),
        ("text**🎉party🎉**text", "strong", "🎉party🎉"),
        ("**ready ✅**now", "strong", "ready ✅"),
        ("**👍🏽 good 👍🏽**then", "strong", "👍🏽 good 👍🏽"),
        ("เขาพูด**(ดี)**มาก", "strong", "(ดี)"),
    ],
)
def test_emphasis_needs_no_spaces_where_a_script_has_none(text, tag, inside):
    html = render(text)

    assert f"<{tag}>{inside}</{tag}>" in html
    assert "*" not in html and "~" not in html


@pytest.mark.parametrize("text", ["数据_2024_备份.csv", "snake_case_name", "2 * 3 * 4", "a ** b ** c", "5*3和4 *2"])
def test_what_is_no_emphasis_stays_so(text):
    assert words_of(render(text)).strip() == text


# Formulas

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


# Directions


def test_every_block_runs_as_its_own_words_do():
    text = "# عنوان\n\nمرحبا `git` بك\n\n- واحد\n- two\n\n> اقتباس\n\n"
    text += "|اسم|b|\n|-|-|\n|1|abc|\n\n```py\nx = 1\n```\n\nEnglish"

    tags = [(tag, attributes.get("dir")) for tag, attributes, _text in Tags(render(text)).found if tag != "span"]

    assert tags == [
        ("h4", "auto"), ("p", "auto"), ("code", "ltr"), ("ul", "rtl"), ("li", "rtl"), ("li", "auto"),
        ("blockquote", "rtl"), ("p", "auto"), ("div", "rtl"), ("table", "rtl"),
        ("thead", None), ("tr", None), ("th", "auto"), ("th", "auto"),
        ("tbody", None), ("tr", None), ("td", "auto"), ("td", "auto"), ("pre", None), ("code", "ltr"), ("p", "auto"),
    ]  # fmt: skip


def test_a_list_in_a_list_has_the_direction_of_its_own_words():
    html = render("1. שלום\n\n   - english\n     - فارسی\n2. hello")

    lists = [(tag, attributes.get("dir")) for tag, attributes, _ in Tags(html).found if tag in ("ol", "ul")]
    assert lists == [("ol", "rtl"), ("ul", "ltr"), ("ul", "rtl")]


def test_plain_prose_says_its_direction_too():
    assert not markdown.has_markup("سلام دنیا.\n\nHello.")
    assert render("سلام دنیا.\n\nHello.").count('<p dir="auto">') == 2


def test_marks_of_direction_stay_in_prose_from_right_to_left_only():
    assert "\u200f" in render("שלום (abc)\u200f.")
    assert "⟨U+200F⟩" in render("hello\u200f.")
    assert "⟨U+202E⟩" in render("שלום \u202eabc")


# Long texts


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


# What a reader sees of headings, tables and tasks


def test_a_heading_keeps_its_level_for_the_eye_and_none_for_the_outline():
    html = render("# One\n\n## Two\n\n### Three\n\n###### Six")

    found = [(tag, attributes["class"], text) for tag, attributes, text in Tags(html).found]
    assert found == [
        ("h4", "level-1", "One"), ("h4", "level-2", "Two"), ("h4", "level-3", "Three"), ("h4", "level-3", "Six"),
    ]  # fmt: skip


def test_columns_are_aligned_as_their_text_says():
    html = render("| item | price | ok |\n|:---|---:|:-:|\n| tea | 2.50 | yes |")

    cells = {text: attributes.get("class") for tag, attributes, text in Tags(html).found if tag in ("th", "td")}
    assert cells == {"item": None, "price": "num", "ok": "mid", "tea": None, "2.50": "num", "yes": "mid"}


@pytest.mark.parametrize("around", ["{}", "> {}", "- {}"], ids=["alone", "in a quote", "in a list"])
def test_a_table_is_in_a_box_that_can_be_reached_by_keyboard(around):
    table = "| a | b |\n|---|---|\n| 1 | 2 |"
    text = "\n".join(
        around.format(line) if not n or around[0] == ">" else f"  {line}" for n, line in enumerate(table.splitlines())
    )
    html = render(text if around != "{}" else table)

    assert re.search(
        r'<div class="table-box" dir="ltr" role="group" tabindex="0"><table>.*</table>\s*</div>', html, re.DOTALL
    )


def test_a_box_written_by_a_model_is_text():
    html = render('<div class="table-box" role="group" tabindex="0">**mine**</div>')

    assert "<div" not in html
    assert words_of(html) == '<div class="table-box" role="group" tabindex="0">mine</div>'


@pytest.mark.parametrize("mark", ["- [{}] {}", "* [{}] {}", "1. [{}] {}"])
def test_tasks_have_boxes_that_are_empty_or_ticked(mark):
    html = render(f"{mark.format(' ', 'to do')}\n{mark.format('x', '*done*')}\n{mark.format('X', 'done too')}")

    assert words_of(html).split("\n")[1:4] == ["☐ to do", "☑ done", "☑ done too"]


def test_brackets_elsewhere_are_brackets():
    assert words_of(render("[ ] no item\n\n- see [x] there\n- [y] no\n- `[x]` code")) == (
        "[ ] no item\n\nsee [x] there\n[y] no\n[x] code\n"
    )
