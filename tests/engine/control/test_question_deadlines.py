"""Questions that are not answered in time."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from runs.agent.providers.scripted import calls_tool, calls_tools
from runs.engine.control.questions import AnswerRefused
from runs.models import Question, Run
from tests.engine.conftest import ended, launch
from tests.engine.control.decision_fixtures import (
    calls_of,
    launch_asking,
    says,
)
from tests.engine.control.question_fixtures import MENU, StartHost, answer, asked

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_question_without_an_answer_in_time_takes_its_default_or_fails(ada: User, host_for: StartHost) -> None:
    asks = ("ask_person", {"question": "Which?", "choices": ["red", "blue"], "default": "red", "deadline_seconds": 60})
    no_default = ("ask_person", {"question": "Where?", "deadline_seconds": 60})
    model = says(calls_tools(asks, no_default))
    host_for(model)
    run = await launch(ada)
    first, second = await asked(run)
    assert first.expires_at is not None and second.expires_at is not None
    assert timedelta(seconds=50) < first.expires_at - timezone.now() <= timedelta(seconds=60)

    late = timezone.now() - timedelta(seconds=1)
    await Question.objects.filter(pk__in=[first.pk, second.pk]).aupdate(expires_at=late)
    row = await ended(run)

    assert row.status == "completed"
    default, failed = model.requests[-1].turns[-1].results
    assert (default.output, default.model_text) == ("red", "Nobody answered in time, so this is the default.\nred")
    assert failed.error is not None
    assert (failed.error.code, failed.error.message) == ("not_answered", "Nobody answered in time.")
    assert [call.state for call in await calls_of(run)] == ["succeeded", "failed"]
    states = {each.text: (each.state, each.answer) async for each in Question.objects.filter(call__run=run)}
    assert states == {"Which?": ("expired", "red"), "Where?": ("expired", None)}


async def test_an_answer_after_the_deadline_is_refused_and_the_default_stands(ada: User, host_for: StartHost) -> None:
    reply = calls_tool("ask_person", question="Which?", default="red", deadline_seconds=60)
    host = host_for(says(reply))
    run = await launch(ada)
    (question,) = await asked(run)
    await host.drain()
    await Question.objects.filter(pk=question.pk).aupdate(expires_at=timezone.now() - timedelta(seconds=1))

    with pytest.raises(AnswerRefused, match=r"^It was too late\. Nobody answered this in time\.$") as refused:
        await answer(question, ada, "blue")

    assert (refused.value.code, refused.value.question.answer) == ("expired", "red")
    assert (await Run.objects.aget(pk=run.pk)).status == "idle"


async def test_without_its_own_deadline_a_question_has_that_of_the_agents_approvals(
    ada: User, host_for: StartHost
) -> None:
    host_for(says(MENU))
    run = await launch_asking(ada, approval_seconds=3600)

    (question,) = await asked(run)

    assert question.expires_at is not None
    assert timedelta(minutes=59) < question.expires_at - timezone.now() <= timedelta(minutes=60)
