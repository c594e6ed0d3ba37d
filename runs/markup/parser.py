"""The Markdown parser for model texts: CommonMark with tables and strikethrough, and this package's rules."""

from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.parser_inline import ParserInline
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core.state_core import StateCore
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from runs.markup.completeness import add_completeness
from runs.markup.directions import add_directions
from runs.markup.emphasis import FriendlyInline
from runs.markup.formula_tables import with_bars
from runs.markup.formulas import add_formulas
from runs.markup.nesting import DeepBlocks
from runs.markup.tables import add_tables
from runs.markup.task_lists import add_task_lists

SCHEMES = {"http", "https", "mailto"}
"""Schemes of links. Others are shown as they were written, with their address."""
DEEPEST_LEVEL = 3
"""The deepest level of headings with a look of its own. Deeper headings look like it."""


def make_parser(highlight: Callable[[str, str, str], str]) -> MarkdownIt:
    """A parser for untrusted texts. HTML is escaped, images become links; `highlight` colours a block of code."""
    parser = _MarkupParser("commonmark", renderer_cls=_Renderer)
    parser.inline, parser.block = _Inline(), DeepBlocks()
    parser.configure("commonmark", {"html": False, "breaks": True, "highlight": highlight})
    parser.enable(["table", "strikethrough"]).disable("image")
    parser.core.ruler.push("one_heading_level", _use_one_heading_level)
    add_formulas(parser)
    add_completeness(parser)
    add_tables(parser)
    add_task_lists(parser)
    add_directions(parser)
    return parser


class _MarkupParser(MarkdownIt):
    def validateLink(self, url: str) -> bool:  # noqa: N802  the name of markdown-it
        """True for a link with an allowed scheme, and for a fragment link, which is later reduced to its text."""
        try:
            return url.startswith("#") or urlsplit(url).scheme.lower() in SCHEMES
        except ValueError:
            return False


class _Inline(ParserInline):
    def parse(self, src: str, md: MarkdownIt, env: EnvType, tokens: list[Token]) -> list[Token]:
        state = FriendlyInline(src, md, env, tokens)
        self.tokenize(state)
        for rule in self.ruler2.getRules(""):
            rule(state)
        return state.tokens


class _Renderer(RendererHTML):
    def render(self, tokens: Sequence[Token], options: OptionsDict, env: EnvType) -> str:
        return with_bars(super().render(tokens, options, env))


def _use_one_heading_level(state: StateCore) -> None:
    """Make every heading an h4, below the h3 of its card, so that the page's outline has no gaps.

    A class keeps the level it had in the text, for its size.
    """
    for token in state.tokens:
        if token.type == "heading_open":
            token.attrSet("class", f"level-{min(int(token.tag[1:]), DEEPEST_LEVEL)}")
        if token.type in ("heading_open", "heading_close"):
            token.tag = "h4"
