"""Renders the finished blocks of the replies in the making of one run, once for all pages of this process.

Each section of a text is rendered when it is finished (`runs.markup.blocks`), and a list or a table that goes on also
before, each time it has grown by half: the work is linear in the text. Pieces of replies do not wait for it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

from runs import markdown
from runs.live.feeds.reply_state import ReplyBuffer, ReplyState
from runs.live.live_timings import LiveTimings
from runs.markup.blocks import Cutter
from runs.render_pool import html_of
from runs.reply_frames import Block, BlocksFrame

GROUP_CHARS = 8 * 1024
"""Finished sections are rendered together up to this size."""
SMALL_CHARS = 2 * 1024
"""A section that goes on is rendered with every line up to this size; a longer one when it has grown by half."""

OnBlocks = Callable[[BlocksFrame], Awaitable[None]]


@dataclass(slots=True)
class _Progress:
    """How far one reply is rendered."""

    reply: ReplyBuffer
    number: int = 0
    """The last chunk that was looked at."""
    piece: int = 0
    """The first piece that is not rendered for good."""
    cutters: dict[int, Cutter] = field(default_factory=dict)
    """Where the pieces from there on are cut."""
    count: int = 0
    """Blocks that are rendered for good."""
    shown: int = 0
    """The end of what is shown of it."""
    is_given_up: bool = False
    """True once its rendering took too long."""


class ReplyBlocks:
    """The rendered blocks of the open replies of one feed. Belongs to its event loop."""

    def __init__(self, cards: ReplyState, on_blocks: OnBlocks, timings: LiveTimings, turns: asyncio.Semaphore) -> None:
        """`turns`: shared by the feeds of a process, so that live replies use one process of the render pool only, and
        the steps have the others."""
        self._cards = cards
        self._on_blocks = on_blocks
        self._timings = timings
        self._turns = turns
        self._known: dict[str, _Progress] = {}

    async def render(self) -> None:
        """Render what is finished and becomes finished, until nothing more has been said for an interval."""
        while self._has_news():
            for name, reply in list(self._cards.open.items()):
                await self._render(self._progress_of(name, reply))
            await asyncio.sleep(self._timings.blocks_every_s)

    def _has_news(self) -> bool:
        self._known = {name: each for name, each in self._known.items() if self._cards.open.get(name) is each.reply}
        return any(self._progress_of(name, reply).number != reply.number for name, reply in self._cards.open.items())

    def _progress_of(self, name: str, reply: ReplyBuffer) -> _Progress:
        known = self._known.get(name)
        if known is None or known.reply is not reply:
            known = self._known[name] = _Progress(reply)
        return known

    async def _render(self, at: _Progress) -> None:
        if at.number == at.reply.number or at.is_given_up:
            at.number = at.reply.number
            return
        at.number = at.reply.number
        for piece, end, text, is_final in list(_due(at)):
            async with self._turns:
                html = await html_of(text)
            if markdown.is_shown_plain(html):
                at.is_given_up = True
                return
            frame = BlocksFrame(at.reply.card, at.count, (Block(piece, end, html),))
            at.piece, at.shown = piece, end
            if is_final:
                at.count += 1
            if self._cards.open.get(at.reply.card) is not at.reply:
                return
            await self._on_blocks(frame)


def _due(at: _Progress) -> Iterator[tuple[int, int, str, bool]]:
    """What is to be rendered: the piece and the end in it, the text up to there, and whether that is for good."""
    pieces = at.reply.pieces
    for index in range(at.piece, len(pieces)):
        text, is_last = pieces[index][1], index == len(pieces) - 1
        cutter = at.cutters.setdefault(index, Cutter())
        start, was_shown = cutter.start, at.shown if index == at.piece else 0
        ends, shown = cutter.cut(text)
        if not is_last and cutter.start < len(text):
            ends.append(cutter.end(text))
        for end in _grouped(ends, start):
            yield index, end, text[start:end], True
            start = end
        has_grown = shown - start <= SMALL_CHARS or shown - start >= 1.5 * (was_shown - start)
        if is_last and shown > max(start, was_shown) and has_grown:
            yield index, shown, text[start:shown], False


def _grouped(ends: list[int], start: int) -> Iterator[int]:
    """The ends of groups of sections, each of at most `GROUP_CHARS` or one section."""
    for index, end in enumerate(ends):
        following = ends[index + 1] if index + 1 < len(ends) else None
        if following is None or following - start > GROUP_CHARS:
            yield end
            start = end
