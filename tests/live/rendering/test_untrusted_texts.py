"""Texts of models, tools and people stay text on our pages. `CHAOS=full` invents more of them."""

import os
import re
import uuid
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runs import markdown
from runs.live.rendering import fragments
from runs.models import Run, Step
from tests.web.xss import CORPUS, SEEDS

IS_FULL = os.environ.get("CHAOS") == "full"
PLAIN_ATTRIBUTES = {
    "a": {"href", "rel"},
    "ol": {"start", "dir"},
    "span": {"class", "dir"},
    "div": {"class", "dir", "role", "tabindex"},
    **{tag: {"class", "dir"} for tag in ("h4", "td", "th")},
    **{tag: {"dir"} for tag in ("blockquote", "code", "li", "p", "pre", "table", "ul")},
}
CELLS = ("num", "mid", "long", "num long", "mid long")
CLASSES = {"h4": ("level-1", "level-2", "level-3"), "td": CELLS, "th": CELLS, "div": ("table-box",)}
FIXED = {"role": "group", "tabindex": "0"}
"""Values of attributes that only the box around a table has."""


class Reader(HTMLParser):
    """Collects dangerous parts of untrusted HTML: elements and attributes that are not allowed."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag not in markdown.TAGS:
            self.faults.append(f"<{tag}>")
        for name, value in attrs:
            if name not in PLAIN_ATTRIBUTES.get(tag, set()):
                self.faults.append(f"{tag}[{name}]")
            if name == "href" and not (value or "").startswith(("http://", "https://", "mailto:")):
                self.faults.append(f"href {value!r}")
            if name == "dir" and value not in ("auto", "ltr", "rtl"):
                self.faults.append(f"dir {value!r}")
            if name in FIXED and value != FIXED[name]:
                self.faults.append(f"{name} {value!r}")
            if name == "class" and not self.is_ours(tag, value or ""):
                self.faults.append(f"class {value!r}")

    @staticmethod
    def is_ours(tag, value):
        """True for a class that the renderer writes on that element."""
        return value.startswith(("tok-", "formula")) if tag == "span" else value in CLASSES[tag]

    def handle_comment(self, data):
        self.faults.append(f"<!--{data}-->")

    def handle_decl(self, decl):
        self.faults.append(f"<!{decl}>")


def faults_of(html: str) -> list[str]:
    reader = Reader()
    reader.feed(html)
    reader.close()
    return reader.faults


@pytest.mark.parametrize("text", CORPUS)
def test_markdown_lets_nothing_through(text):
    assert faults_of(markdown.render(text)) == []


@settings(max_examples=300 if IS_FULL else 60)
@given(st.lists(st.sampled_from(SEEDS) | st.text(alphabet="<>\"'`*_[]()!#|\\&;:=/ \n\tax1", max_size=12), max_size=5))
def test_no_mixture_of_them_gets_through_either(parts):
    assert faults_of(markdown.render("".join(parts))) == []


@pytest.mark.parametrize(
    "text",
    ["The product is 17 * 23.", "It asks current_time, then waits & goes on.", "One.\nTwo.\n\nThree, at 10:30 (UTC)."],
)
def test_plain_prose_needs_no_parser_and_looks_as_if_it_had_one(text):
    assert not markdown.has_markup(text)
    assert markdown.render(text) == markdown._cleaner().clean(markdown._parser().render(text)).strip()


@settings(max_examples=500 if IS_FULL else 100)
@given(st.text(alphabet="ab1 \n*_-+#>.)(=~&;'\"%:$,", max_size=40))
def test_what_is_taken_for_plain_prose_means_nothing_in_markdown(text):
    if not markdown.has_markup(text):
        parsed = markdown._cleaner().clean(markdown._parser().render(text))
        assert "".join(markdown.render(text).split()) == "".join(parsed.split())


def test_markdown_is_rendered():
    html = markdown.render("# Title\n\n**bold** and `code`\n\n|a|\n|-|\n|1|\n\n```python\nx = 1\n```")

    assert '<h4 class="level-1" dir="auto">Title</h4>' in html
    assert "<strong>bold</strong>" in html
    assert '<td dir="auto">1</td>' in html
    assert '<span class="tok-n">x</span>' in html


def test_links_are_absolute_and_marked():
    html = markdown.render("[here](https://e.example/a?b=1&c=2)")

    assert (
        html
        == '<p dir="auto"><a href="https://e.example/a?b=1&amp;c=2" rel="noopener noreferrer nofollow">here</a></p>'
    )


@pytest.mark.parametrize("text", ["[" * 60_000, "![[" * 20_000, "_a*" * 20_000, "[a](" * 15_000, "<" * 60_000])
def test_a_text_made_to_be_slow_takes_no_longer_than_a_few_seconds(text):
    assert faults_of(markdown.render(text)) == []


def test_what_cannot_be_seen_is_named():
    assert markdown.visible("a\x1b[31mb\x07\x00\u202ec\ud800") == "a␛[31mb␇␀⟨U+202E⟩c⟨U+D800⟩"
    assert markdown.visible("tab\there\r\nline") == "tab\there\nline"
    assert markdown.visible("👩‍👩‍👧 نمی‌خواهم") == "👩‍👩‍👧 نمی‌خواهم"


def steps_with(text: str) -> list[Step]:
    """A step of every kind with `text` in every text field."""
    call_id = uuid.uuid4()
    return [
        Step(
            run_id=uuid.uuid4(),
            sequence=1,
            kind=kind,
            content=text,
            tool_name=text[:128],
            call_id=call_id,
            tool_input={text: text, "nested": {"list": [text]}},
            tool_output={"text": text},
            attempt=1,
            max_attempts=3,
            severity="error",
            recoverable=True,
            suggested_action=text,
            provider=text[:64],
            model=text[:128],
            metadata={
                "code": text,
                "note": text,
                "effect": text,
                "next_at": text,
                "status": text,
                "phase": text,
                "context": {"provider": text, "model": text, "limit": text, "limit_s": 1.0},
                "calls": [{"call_id": text, "tool_name": text, "state": text}] * 2,
                "lanes": [{"model": text, "outcome": text, "tokens": None, "cost": text}] * 2,
            },
        )
        for kind in Step.Kind.values
    ]


class Shell(HTMLParser):
    """Collects elements and attributes that no card of ours has, anywhere in the card."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag in {
            "script",
            "img",
            "iframe",
            "style",
            "form",
            "base",
            "meta",
            "object",
            "embed",
            "link",
            "math",
            "input",
        }:
            self.faults.append(f"<{tag}>")
        for name, value in attrs:
            if name.startswith(("on", "hx-", "data-hx-", "ws-", "sse-")) and name != "hx-disable":
                self.faults.append(f"{tag}[{name}]")
            if name == "style" or (name == "href" and not (value or "").startswith(("#", "http", "mailto:"))):
                self.faults.append(f"{tag}[{name}={value}]")


@pytest.mark.parametrize("seed", SEEDS)
def test_no_field_of_a_step_becomes_markup(seed):
    for step in steps_with(seed):
        shell = Shell()
        own = f'href="/runs/(new/?|{step.run_id}/?at=1#|{step.run_id}/steps/1/)'
        shell.feed(re.sub(own.replace("?", r"\?"), 'href="#', fragments.step_html(step)))
        assert shell.faults == [], step.kind


@pytest.mark.parametrize("seed", SEEDS)
def test_no_field_of_a_run_becomes_markup(seed):
    run = Run(task=seed, config={"agent": seed, "models": [seed]}, status="failed", severity="error")
    shell = Shell()
    shell.feed(fragments.run_list_item_html(run).replace('href="/runs/', 'href="#/runs/'))
    shell.feed(re.sub('href="/(runs|api|threads)/', 'href="#', fragments.run_state_html(run)))
    assert shell.faults == []


def test_text_from_outside_lies_where_htmx_does_nothing():
    for step in steps_with("hostile words"):
        html = fragments.step_html(step)
        outside = re.sub(r"<(\w+)[^>]*hx-disable[^>]*>.*?</\1>", "", html, flags=re.DOTALL)
        assert outside.count("hostile words") <= 2  # The tool's and the model's name, as text.
        assert "hx-disable" in html or step.kind == "tool_result"
