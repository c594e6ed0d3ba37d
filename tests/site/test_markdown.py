"""Model text is rendered completely and as intended, in every script."""

import re
from pathlib import Path

import pytest

from runs import markdown
from runs.markdown import render
from tests.site.markup.html import Tags, words_of

ROOT = Path(__file__).resolve().parents[2]

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


def test_a_task_has_its_box_in_place_of_a_bullet():
    html = render("- [x] done\n- no task\n- [ ] to do\n  - [X] a part of it\n  - *no* part")

    items = re.findall(r"<li([^>]*)>", html)
    assert ['class="task-item"' in item for item in items] == [True, False, True, True, False]
    rules = (ROOT / "static/run/prose.css").read_text()
    assert "ul > .task-item { list-style: none; }" in rules


def test_brackets_elsewhere_are_brackets():
    assert words_of(render("[ ] no item\n\n- see [x] there\n- [y] no\n- `[x]` code")) == (
        "[ ] no item\n\nsee [x] there\n[y] no\n[x] code\n"
    )


def test_a_cell_of_more_than_24_characters_may_take_several_lines_and_no_other_does():
    long = "a" * 20 + " " + "b" * 4

    rendered = render(f"| n | {long} |\n|--:|---|\n| {long} | {long[:-1]} |\n")

    cells = [(attributes.get("class"), text) for tag, attributes, text in Tags(rendered).found if tag in ("th", "td")]
    assert cells == [("num", "n"), ("long", long), ("num long", long), (None, long[:-1])]
