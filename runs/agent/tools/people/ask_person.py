"""The tool with which a model asks the person who launched its run."""

from typing import Any

from runs.agent.json_data.json_types import JsonObject
from runs.agent.tools.person_questions import PersonAsked, PersonQuestion, given_answers
from runs.agent.tools.registry import tool


@tool(effect="pure", layer="builtin", approval="never", needs_person=True)
async def ask_person(
    question: str,
    choices: list[str] | None = None,
    form: JsonObject | None = None,
    default: str | JsonObject | None = None,
    deadline_seconds: float | None = None,
) -> Any:
    """Ask the person who gave you the task, and return the answer. The run waits for it, for hours if it has to.

    Ask only what you cannot find out with your other tools, and ask for everything you need at once.

    Args:
        question: The question. The person may not see your other texts: say what it is about.
        choices: The answers to choose from. Leave it out for an answer in the person's own words.
        form: Instead of choices, a JSON Schema of type object: the person fills in a form of its properties, and you
            get the object.
        default: The answer if the person does not answer before the deadline: a text, one of the choices, or an object
            for the form.
        deadline_seconds: How long the person has, from 10 seconds to 30 days.
    """
    if answers := given_answers():
        return answers[-1].answer
    raise PersonAsked(
        PersonQuestion(
            text=question, choices=tuple(choices or ()), form=form, default=default, deadline_s=deadline_seconds
        )
    )
