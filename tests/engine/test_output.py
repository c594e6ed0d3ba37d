"""Structured output, on the run's row."""

import asyncio

import pytest

from runs.agent.providers.scripted import ScriptedModel, answers, calls_tool
from runs.models import Agent
from tests.engine.conftest import ended, error_of, launch, reached, steps_of

SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "km": {"type": "integer"}},
    "required": ["city", "km"],
}
RIGHT, WRONG = '{"city": "Ghent", "km": 56}', '{"city": "Ghent"}'


async def give_schema(agent: Agent) -> None:
    agent.output_schema = SCHEMA
    await agent.asave()


async def test_the_data_is_on_the_row_and_the_answer_is_the_same_as_json(host_for, ada, assistant):
    await give_schema(assistant)
    host_for(ScriptedModel(answers(f"```json\n{RIGHT}\n```")))

    run = await ended(await launch(ada))

    assert run.output == {"city": "Ghent", "km": 56}
    assert run.answer == '{\n  "city": "Ghent",\n  "km": 56\n}'


@pytest.mark.parametrize(("done", "could_not"), [("false", True), ("true", False)])
async def test_data_that_says_it_is_not_done_completes_the_run_as_one_that_could_not_do_it(
    host_for, ada, assistant, done, could_not
):
    assistant.output_schema = {"type": "object", "properties": {"done": {"type": "boolean"}}, "required": ["done"]}
    await assistant.asave()
    host_for(ScriptedModel(answers(f'{{"done": {done}}}')))

    run = await ended(await launch(ada))

    assert (run.status, run.could_not, run.severity) == ("completed", could_not, "")


async def test_after_two_further_tries_the_run_has_failed_and_shows_the_faults(host_for, ada, assistant):
    await give_schema(assistant)
    host_for(ScriptedModel(*[answers(WRONG, tokens=7)] * 3))

    run = await ended(await launch(ada))

    assert (run.status, error_of(run)["code"], run.output) == ("failed", "bad_output", None)
    assert error_of(run)["context"]["faults"] == ["the answer: 'km' is a required property"]
    assert (run.tokens_used, run.steps_taken) == (21, 4)


async def test_a_run_that_goes_on_after_a_restart_still_knows_what_was_wrong(host_for, ada, assistant):
    await give_schema(assistant)
    pause = asyncio.Event()
    model = ScriptedModel(calls_tool("calculator", expression="1+1"), answers(WRONG), answers(RIGHT))

    class Held(ScriptedModel):
        """Holds its third reply back."""

        async def reply(self, request, *, on_delta=None):
            if len(request.turns) == 2:
                await pause.wait()
            return await model.reply(request, on_delta=on_delta)

    first = host_for(Held())
    run = await launch(ada)
    await reached(run, lambda row: row.steps_taken == 3)
    await first.drain()
    host_for(model)
    run = await ended(run)

    assert run.output == {"city": "Ghent", "km": 56}
    request = model.requests[-1]
    assert [turn.faults for turn in request.turns] == [(), ("the answer: 'km' is a required property",)]
    assert request.turns[1].reply.text == WRONG
    assert [step.turn for step in await steps_of(run) if step.turn] == [1, 1, 2, 3]
