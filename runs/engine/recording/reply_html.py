"""The HTML of model texts, rendered in another process where they have markup."""

import asyncio
import logging

from runs import markdown
from runs.agent.thoughts import AgentThought, ThoughtType
from runs.agent.unfinished_thought import is_unfinished
from runs.markup.parts import MAX_CHARS
from runs.render_pool import html_of

logger = logging.getLogger(__name__)


def is_prose(thought: AgentThought) -> bool:
    """True for text from a model that may be Markdown."""
    match thought.type:
        case ThoughtType.REASONING | ThoughtType.ANSWER:
            return True
        case ThoughtType.NOTE:
            return is_unfinished(thought)
        case _:
            return False


def takes_long(thoughts: list[AgentThought]) -> bool:
    """True if the HTML of any of the thoughts is rendered in another process."""
    return any(is_prose(thought) and is_rendered_elsewhere(thought.content) for thought in thoughts)


def is_rendered_elsewhere(text: str) -> bool:
    """False for short prose that Markdown would show as it is."""
    return len(text) > MAX_CHARS or markdown.has_markup(text)


async def html_in_time(text: str, limit_s: float) -> str:
    """The text as safe HTML; empty after `limit_s`."""
    try:
        async with asyncio.timeout(limit_s):
            return await html_of(text)
    except TimeoutError:
        logger.warning("What was said in an unfinished reply takes too long to render: it is shown as plain text.")
        return ""
