"""A bare value in place of arguments is shown, approved and used as the argument it stands for."""

from runs.agent import AgentThought, ThoughtType, run_agent
from runs.agent.json_data.lenient_json import Malformed, read_arguments
from runs.agent.messages import ModelReply, ModelRequest, ToolRequest
from runs.agent.providers.scripted import ScriptedModel, answers
from runs.agent.tools.validation import malformed_arguments


def calls(tool_name: str, written: str):
    """A reply with a tool call whose arguments are the given text."""
    read = read_arguments(written, was_cut=False)
    arguments = malformed_arguments(read) if isinstance(read, Malformed) else read

    def reply(_request: ModelRequest) -> ModelReply:
        return ModelReply(calls=(ToolRequest(tool_name, arguments),))

    return reply


async def test_a_bare_text_is_shown_and_run_as_the_one_argument():
    thoughts: list[AgentThought] = []
    model = ScriptedModel(calls("calculator", '"17 * 23"'), answers("391"))

    result = await run_agent("17 * 23?", model=model, report=thoughts.append)

    assert result.success
    call, returned = (each for each in thoughts if each.type in (ThoughtType.TOOL_CALL, ThoughtType.TOOL_RESULT))
    assert call.metadata["tool_input"] == {"expression": "17 * 23"}
    assert returned.content == "391"


async def test_the_model_is_told_what_is_wrong_with_arguments_that_cannot_be_read():
    model = ScriptedModel(calls("calculator", '{"expression": "17 * 23}'), answers("I cannot."))

    await run_agent("17 * 23?", model=model)

    (turn,) = model.requests[-1].turns
    assert "the string that begins at character 16 has no closing quote" in turn.results[0].model_text


async def test_a_bare_text_for_a_tool_nobody_has_is_an_unknown_tool():
    model = ScriptedModel(calls("nope", '"x"'), answers("I cannot."))

    await run_agent("x", model=model)

    (turn,) = model.requests[-1].turns
    assert "Unknown tool: nope." in turn.results[0].model_text
