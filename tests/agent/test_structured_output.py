"""Structured output: parsing and validation of answers."""

import json
from typing import Any

import pytest
from pydantic import BaseModel

from runs.agent import AgentResult, AgentThought, RunLimits, ThoughtType, run_agent
from runs.agent.errors.exceptions import BadOutput
from runs.agent.messages import ModelReply, ModelRequest
from runs.agent.providers.scripted import ScriptedModel, answers, calls_tool
from runs.agent.structured_output import OutputSchema, schema_fault
from runs.agent.usage import Usage


class City(BaseModel):
    name: str
    inhabitants: int


RIGHT = '{"name": "Ghent", "inhabitants": 265086}'
WRONG = '{"name": "Ghent", "inhabitants": "many"}'
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "inhabitants": {"type": "integer"}},
    "required": ["name", "inhabitants"],
}


async def test_an_answer_becomes_the_pydantic_model_that_was_asked_for():
    result: AgentResult[City] = await run_agent("Ghent?", model=ScriptedModel(answers(RIGHT)), output=City)

    assert result.success
    assert result.output == City(name="Ghent", inhabitants=265086)


async def test_a_list_of_a_type_can_be_asked_for():
    result = await run_agent("Primes?", model=ScriptedModel(answers("[2, 3, 5]")), output=list[int])

    assert result.output == [2, 3, 5]


async def test_a_json_schema_gives_plain_data():
    result = await run_agent("Ghent?", model=ScriptedModel(answers(RIGHT)), output=SCHEMA)

    assert result.output == {"name": "Ghent", "inhabitants": 265086}


@pytest.mark.parametrize("text", [f"```json\n{RIGHT}\n```", f"Here it is:\n```\n{RIGHT}\n```\nDone.", f"\n {RIGHT} \n"])
async def test_a_code_block_around_the_answer_is_taken_off(text):
    result = await run_agent("Ghent?", model=ScriptedModel(answers(text)), output=City)

    assert result.output == City(name="Ghent", inhabitants=265086)


async def test_the_model_is_told_the_form_and_what_was_wrong_when_it_is_asked_again():
    model = ScriptedModel(answers(WRONG), answers(RIGHT))

    result = await run_agent("Ghent?", model=model, output=City)

    first, second = model.requests
    assert first.output_schema == City.model_json_schema() and first.output_faults == ()
    assert list(second.output_faults) == list(second.turns[-1].faults)
    assert second.turns[-1].reply.text == WRONG
    assert "inhabitants: Input should be a valid integer" in second.output_faults[0]
    assert result.success


async def test_each_rejected_answer_is_a_turn_and_a_step_that_lists_its_faults():
    thoughts: list[AgentThought] = []

    await run_agent(
        "Ghent?", model=ScriptedModel(answers("About 265,000."), answers(RIGHT)), output=City, report=thoughts.append
    )

    note, answer = thoughts
    assert (note.type, note.metadata["note"], note.metadata["turn"]) == (ThoughtType.NOTE, "bad_output", 1)
    assert "It is asked for again (1 of 2)." in note.content and "not JSON" in note.content
    assert (answer.type, answer.metadata["turn"]) == (ThoughtType.ANSWER, 2)
    assert answer.metadata["output"] == json.loads(answer.content) == json.loads(RIGHT)


async def test_after_two_further_tries_the_run_fails_with_the_faults_and_counts_all_that_was_used():
    thoughts: list[AgentThought] = []
    model = ScriptedModel(*[answers(WRONG, tokens=10)] * 3)

    result = await run_agent("Ghent?", model=model, output=City, report=thoughts.append)

    assert not result.success and result.output is None
    assert result.error is not None and result.error.code == "bad_output"
    assert result.error.context["faults"][0].startswith("inhabitants: ")
    assert (len(model.requests), result.tokens_used, result.steps_taken) == (3, 30, 4)
    assert [thought.type.value for thought in thoughts] == ["note", "note", "note", "error"]


async def test_asking_again_counts_against_the_turns():
    result = await run_agent(
        "Ghent?", model=ScriptedModel(answers(WRONG), answers(RIGHT)), output=City, limits=RunLimits(max_turns=1)
    )

    assert result.error is not None and result.error.code == "limit_max_turns"


async def test_tools_may_be_called_on_the_way_to_an_answer_in_data():
    model = ScriptedModel(
        calls_tool("calculator", expression="6 * 7"), answers("42, I think"), answers('{"value": 42}')
    )

    result = await run_agent("6 * 7?", model=model, output={"type": "object", "required": ["value"]})

    assert result.output == {"value": 42}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "not JSON"),
        ("NaN", "NaN is not JSON"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a": 1} {"b": 2}', "not JSON alone"),
        ("```json\n1\n```\n```json\n2\n```", "not JSON alone"),
    ],
)
def test_what_is_not_one_json_value_is_refused(text, fault):
    with pytest.raises(Exception, match=fault):
        OutputSchema[Any]({}).read(text)


@pytest.mark.parametrize(
    ("schema", "fault"),
    [
        ([], "is an object"),
        ({"type": "objct"}, "type: 'objct' is not valid"),
        ({"$ref": "http://127.0.0.1:1/x"}, "does not exist"),
        ({"properties": {"a": {"$ref": "#/$defs/missing"}}}, "does not exist"),
        ({"type": "string", "pattern": "("}, "The pattern '\\(' cannot be used: missing \\)"),
    ],
)
def test_a_schema_that_is_none_is_said_to_be_none(schema, fault):
    assert (told := schema_fault(schema)) is not None
    import re

    assert re.search(fault, told)


def test_what_no_type_can_be_made_of_is_a_type_error():
    with pytest.raises(TypeError, match="cannot be an output"):
        OutputSchema[Any](object())


async def test_a_thousand_faults_are_not_all_told_to_the_model():
    model = ScriptedModel(answers(json.dumps(["x"] * 1000)), answers("[1]"))

    await run_agent("Numbers?", model=model, output=list[int])

    assert len(model.requests[1].output_faults) == 21
    assert model.requests[1].output_faults[-1] == "and 980 more"


async def test_a_reply_that_reports_no_tokens_leaves_them_out_of_the_sum():
    def reply(_request: ModelRequest) -> ModelReply:
        return ModelReply(text=RIGHT, usage=Usage())

    assert (await run_agent("Ghent?", model=ScriptedModel(reply), output=City)).tokens_used == 0


FENCED = json.dumps({"name": "x", "inhabitants": 1}).replace("x", "```json\\n{}\\n```")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        # A fence inside a string of the data does not end the block, with line ends escaped or raw
        (f"```json\n{FENCED}\n```", "```json\n{}\n```"),
        ('```json\n{"name": "a\n```\nb\n```\n", "inhabitants": 1}\n```', "a\n```\nb\n```\n"),
        (FENCED, "```json\n{}\n```"),
        # Words around it
        (f"Here you are: {RIGHT} I hope it helps.", "Ghent"),
        (f"Here:\n\n{RIGHT}\n\nSee [1].", "Ghent"),
        # Several blocks: the one that is JSON, and of several the one that fits
        (f"```bash\nls\n```\n```json\n{RIGHT}\n```", "Ghent"),
        (f"For example\n```json\n{WRONG}\n```\nbut\n```json\n{RIGHT}\n```", "Ghent"),
        # As small models write it
        ("{'name': 'Ghent', 'inhabitants': 265086,}", "Ghent"),
        (json.dumps(RIGHT), "Ghent"),
        ('{"name": "Ghent\n", "inhabitants": 1}', "Ghent\n"),
    ],
)
@pytest.mark.parametrize("schema", [SCHEMA, City], ids=["schema", "model"])
def test_data_is_found_and_left_whole_where_its_meaning_is_sure(schema, text, name):
    data = OutputSchema[Any](schema).read(text)

    assert (data["name"] if isinstance(data, dict) else data.name) == name


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (f"```json\n{RIGHT}\n```\n```json\n{RIGHT.replace('Ghent', 'Bruges')}\n```", "it holds 2 JSON values"),
        (f"{RIGHT} or {RIGHT}", "expected the end, after one value"),
        (f"Either {RIGHT} or {RIGHT}", "it holds more than one object"),
        ('{"name": "Ghent", "inhabitants": 1', "it ends too early; expected the closing }"),
        ('{"name": "Ghent, "inhabitants": 1}', "a quote inside a string is written"),
        ('```json\n{"name": "Ghent, "inhabitants": 1}\n```', "at line 2, column"),
        ('{"name": "Ghent", "name": "Bruges", "inhabitants": 1}', "appears twice"),
        ('{"name": "Ghent", "inhabitants": 1e999}', "not a JSON number"),
        ("About 265,000.", 'at character 1, before "About 265,000."'),
    ],
)
def test_the_fault_that_is_told_is_the_one_there_is(text, fault):
    with pytest.raises(BadOutput) as caught:
        OutputSchema[Any](SCHEMA).read(text)

    assert fault in str(caught.value)


def test_missing_closers_are_added_only_to_an_answer_that_is_known_to_be_whole():
    cut = '{"name": "Ghent", "inhabitants": 265086'

    assert OutputSchema[Any](SCHEMA).read(cut, is_whole=True) == json.loads(RIGHT)
    with pytest.raises(BadOutput):
        OutputSchema[Any](SCHEMA).read(cut)
