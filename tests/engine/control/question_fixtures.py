"""Questions of runs, asked and answered."""

from collections.abc import Callable
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth.models import User

from runs.agent.providers.scripted import ScriptedModel, calls_tool
from runs.engine import control
from runs.engine.hosting.host import RunHost
from runs.models import Question, Run, Surface
from tests.engine.control.decision_fixtures import parked

StartHost = Callable[..., RunHost]
FORM = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "nights": {"type": "integer", "minimum": 1}},
    "required": ["city", "nights"],
}
MENU = calls_tool("ask_person", question="Which one?", choices=["red", "blue"])


async def asked(run: Run) -> list[Question]:
    """The questions of the run in order, once it waits for an answer."""
    await parked(run, "answer")
    found = Question.objects.filter(call__run=run).select_related("call")
    return [question async for question in found.order_by("call__turn", "call__index", "call__position", "round")]


async def answer(question: Question, by: User | None, value: Any, surface: str = "page") -> Question:
    """Answer as a page would: from a thread."""
    return await sync_to_async(control.answer, thread_sensitive=False)(
        question.pk, by=by, answer=value, surface=Surface(surface)
    )


def result_of(model: ScriptedModel, index: int = 0) -> Any:
    """The result of a call of the last turn, as the model got it."""
    return model.requests[-1].turns[-1].results[index]
