"""The grammar against its two tables: `phrasings` and `strangers`."""

import re

import pytest

from runs.agent import run_agent
from tests.agent.providers.offline.driver import all_tools, converse
from tests.agent.providers.offline.phrasings import PHRASINGS, REFUSED
from tests.agent.providers.offline.strangers import STRANGERS


@pytest.mark.parametrize("task", PHRASINGS)
async def test_a_known_phrasing_is_answered_exactly(task: str) -> None:
    result = await run_agent(task, model="offline", tools=all_tools())

    assert result.success
    assert result.output == PHRASINGS[task]


@pytest.mark.parametrize("task", REFUSED)
async def test_a_task_without_one_true_reading_is_refused_with_what_works(task: str) -> None:
    conversation = await converse(task)

    assert conversation.calls == []
    assert conversation.answer.startswith("I could not do “")
    assert "What works:" in conversation.answer


def test_the_known_phrasings_are_eighty_at_least_and_the_strangers_thirty() -> None:
    assert len(PHRASINGS) >= 80
    assert len(STRANGERS) == 30
    assert not PHRASINGS.keys() & STRANGERS.keys()
    assert sum(not values for values in STRANGERS.values()) == 5


async def test_strangers_are_served_in_85_of_100_cases_and_never_wrongly() -> None:
    answers = {task: await _values(task) for task in STRANGERS}

    wrong = {task: values for task, values in answers.items() if values and values != STRANGERS[task]}
    right = [task for task, values in answers.items() if values == STRANGERS[task]]
    assert wrong == {}
    assert len(right) / len(STRANGERS) >= 0.85


async def _values(task: str) -> tuple[str, ...]:
    """The first word of every value in bold; none if the task was refused."""
    conversation = await converse(task)
    told = re.findall(r"\*\*(.+?)\*\*", re.sub(r"`[^`]*`", "", conversation.answer))
    return tuple(value.removeprefix("about ").split()[0] for value in told) if conversation.calls else ()
