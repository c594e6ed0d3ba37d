"""The sandboxed job that reads a page: HTML to Markdown, title and links; other texts to Unicode.

The request is a line of JSON and then the body of the page. `start` and `most` choose the part of the text by
characters; `charset` is what the server says, or null; `kind` is "page" (the main text by trafilatura), "words" (all
text of a page, in linear time) or "text" (no HTML).
"""

import codecs
import json
import warnings
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urldefrag, urljoin

from runs.agent.sandbox.refusal import JobRefused
from runs.agent.tools.web.plain_text import cleaned, decoded, one_line

if TYPE_CHECKING:
    from lxml.html import HtmlElement

MAX_LINKS: Final = 40
MAX_LINK_CHARACTERS: Final = 300
TITLE_CHARACTERS: Final = 300
_UNSEEN: Final = ("script", "style", "noscript", "template", "svg", "head", "iframe", "object")
_INLINE: Final = frozenset(
    (
        *("a", "abbr", "b", "bdi", "bdo", "cite", "code", "em", "font", "i", "kbd", "label", "mark", "q", "s"),
        *("small", "span", "strong", "sub", "sup", "time", "u", "var"),
    )
)


def run(request: bytes) -> bytes:
    """The part of the page as JSON: `title`, `date`, `text`, `characters` (of the whole text) and `links`."""
    warnings.simplefilter("ignore")
    head, _, body = request.partition(b"\n")
    asked = json.loads(head)
    text = decoded(body, asked["charset"])
    if asked["kind"] == "text":
        page = {"text": text if text is not None else _guessed(body)}
    else:
        page = _page(text if text is not None else body, asked["url"], only_words=asked["kind"] == "words")
    whole = cleaned(page["text"]).strip()
    part = whole[asked["start"] : asked["start"] + asked["most"]]
    return json.dumps({**page, "text": part, "characters": len(whole)}).encode()


def _guessed(body: bytes) -> str:
    try:
        # Not the last call of its decoder: a body may have been cut inside a character.
        return codecs.getincrementaldecoder("utf-8")("strict").decode(body)
    except UnicodeDecodeError:
        from trafilatura.utils import decode_file

        return str(decode_file(body))


def _page(html: str | bytes, url: str, *, only_words: bool) -> dict[str, Any]:
    from trafilatura.utils import load_html

    tree: HtmlElement | None = load_html(html)
    if tree is None:
        text = html if isinstance(html, str) else _guessed(html)
        if "\0" in text:
            raise JobRefused("There is no HTML page in what the server sent.")
        return {"text": text}
    title = one_line("".join(tree.xpath("//title[1]//text()")[:3]), TITLE_CHARACTERS)
    page = {"title": title, "date": "", "links": _links(tree, url)}
    return page | ({"text": _words(tree)} if only_words else _main_text(tree, url))


def _main_text(tree: "HtmlElement", url: str) -> dict[str, str]:
    import trafilatura

    metadata = trafilatura.extract_metadata(tree, default_url=url, extensive=False)
    text = trafilatura.extract(
        tree,
        url=url,
        output_format="markdown",
        favor_recall=True,
        include_links=True,
        include_formatting=True,
        include_comments=False,
    )
    return {"date": metadata.date or "", "text": text or _words(tree)}


def _words(tree: "HtmlElement") -> str:
    """All text of the page; each element that is no part of a line begins a new one."""
    from lxml import etree

    etree.strip_elements(tree, etree.Comment, *_UNSEEN, with_tail=False)
    parts: list[str] = []
    for event, element in etree.iterwalk(tree, events=("start", "end")):
        if element.tag not in _INLINE:
            parts.append("\n")
        parts.append((element.text if event == "start" else element.tail) or "")
    lines = (" ".join(line.split()) for line in "".join(parts).splitlines())
    return "\n".join(line for line in lines if line)


def _links(tree: "HtmlElement", url: str) -> list[list[str]]:
    """The first links of the page to other pages, as words and absolute address."""
    bases = tree.xpath("//base/@href")
    found: dict[str, str] = {}
    for anchor in tree.iter("a"):
        try:
            target = urldefrag(urljoin(urljoin(url, bases[0] if bases else ""), (anchor.get("href") or "").strip()))[0]
        except ValueError:
            continue
        words = one_line("".join(anchor.itertext()), 100)
        if words and target.startswith(("http://", "https://")) and len(target) <= MAX_LINK_CHARACTERS:
            found.setdefault(target, words)
        if len(found) >= MAX_LINKS:
            break
    found.pop(urldefrag(url)[0], None)
    return [[words, target] for target, words in found.items()]
