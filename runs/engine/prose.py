"""The HTML of what a model said, made off the event loop where that takes long enough to notice."""

import asyncio
import logging

from runs import markdown
from runs.agent.thoughts import AgentThought, ThoughtType
from runs.agent.unfinished import is_unfinished

logger = logging.getLogger(__name__)

SHOWN_PLAIN_AFTER_S = 1.0
"""How long a write that lets go of a run waits for HTML; what was said is shown as plain text otherwise."""


def is_prose(thought: AgentThought) -> bool:
    """True for what a model said to people: it may be Markdown."""
    return thought.type in (ThoughtType.REASONING, ThoughtType.ANSWER) or is_unfinished(thought)


def takes_long(thoughts: list[AgentThought]) -> bool:
    """True if their HTML is made in a thread."""
    return any(is_prose(thought) and markdown.needs_thread(thought.content) for thought in thoughts)


async def html_of(text: str) -> str:
    """The text as safe HTML."""
    return await asyncio.to_thread(markdown.render, text) if markdown.needs_thread(text) else markdown.render(text)


async def html_in_time(text: str) -> str:
    """The text as safe HTML; empty if that takes too long."""
    try:
        async with asyncio.timeout(SHOWN_PLAIN_AFTER_S):
            return await html_of(text)
    except TimeoutError:
        logger.warning("What was said in an unfinished reply takes too long to render: it is shown as plain text.")
        return ""
