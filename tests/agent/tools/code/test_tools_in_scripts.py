"""The tools of a run as functions of a script."""

import asyncio
import os
import signal
from typing import Any

from runs.agent import ToolFailed, run_agent
from runs.agent.providers.scripted import ScriptedModel, answers, calls_tool, calls_tools
from runs.agent.run_limits import RunLimits
from runs.agent.thoughts import AgentThought, ThoughtType
from runs.agent.tools.function_tool import FunctionTool
from tests.agent.tools.code.test_run_python import interpreter


class Shop:
    """Tools that note their calls."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, int]] = []
        self.at_once = self.most_at_once = 0

    async def price(self, article: str, count: int = 1) -> dict[str, Any]:
        """The price."""
        self.calls.append((article, count))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        if article == "none":
            raise ToolFailed("There is no such article.")
        return {"price": 2.5 * count, "article": article}


async def run(
    code: str, *, shop: Shop | None = None, limits: RunLimits | None = None, **more: Any
) -> list[AgentThought]:
    """Run a script in a run with the tools `price` and `calculator`. Returns the thoughts."""
    shop = shop or Shop()
    thoughts: list[AgentThought] = []
    tools = [FunctionTool(shop.price, effect="read"), "calculator", "run_python"]
    model = ScriptedModel(calls_tool("run_python", code=code), answers("Done."))
    result = await run_agent("Buy.", model=model, tools=tools, limits=limits, report=thoughts.append, **more)
    assert result.error is None
    return thoughts


def given(thoughts: list[AgentThought]) -> Any:
    """The output of the script, or what it failed with."""
    last = [each for each in thoughts if each.type is ThoughtType.TOOL_RESULT][-1]
    return last.fields.tool_output if last.fields.severity is None else last.content


async def test_each_call_of_a_script_is_a_call_of_the_run_with_its_own_steps() -> None:
    thoughts = await run("a = price(article='tea', count=2)\nprint(a['article'])\ncalculator('2 + 3') + a['price']")

    assert given(thoughts) == {"printed": "tea\n", "value": 10.0}
    told = [(each.type.value, each.fields.tool_name) for each in thoughts]
    assert told == [
        ("tool_call", "run_python"),
        ("tool_call", "price"),
        ("tool_result", "price"),
        ("tool_call", "calculator"),
        ("tool_result", "calculator"),
        ("tool_result", "run_python"),
        ("answer", None),
    ]
    assert [each.metadata.get("parent_id", "") for each in thoughts if each.type is ThoughtType.TOOL_CALL] == [
        "",
        *[thoughts[0].fields.call_id] * 2,
    ]


async def test_arguments_are_given_by_keyword_or_in_the_order_of_the_schema() -> None:
    shop = Shop()

    await run("price('tea')\nprice('tea', 2)\nprice(count=3, article='tea')", shop=shop)

    assert shop.calls == [("tea", 1), ("tea", 2), ("tea", 3)]


async def test_a_call_that_fails_raises_in_the_script_which_may_go_on() -> None:
    thoughts = await run("try:\n    price('none')\nexcept RuntimeError as error:\n    print(error)\n1")

    assert given(thoughts) == {"printed": "price: There is no such article.\n", "value": 1}


async def test_a_script_that_ends_with_an_error_says_what_it_had_called() -> None:
    shop = Shop()

    said = given(await run("price('tea')\nprice('tea')\n1 / 0", shop=shop))

    assert "line 3" in said
    assert "Before that it had called: price (2)." in said


async def test_arguments_that_make_no_sense_are_refused_without_a_call_or_by_the_schema() -> None:
    shop = Shop()

    assert "takes at most 2 arguments, not 3" in given(await run("price(1, 2, 3)", shop=shop))
    assert "got the argument 'article' twice" in given(await run("price('a', article='b')", shop=shop))
    assert "cannot take the argument 'article'" in given(await run("price(article=b'x')", shop=shop))
    assert "cannot take the argument 'article': NaN" in given(await run("price(article=float('nan'))", shop=shop))
    assert "nested more than 50" in given(await run("x = []\nfor _ in range(99): x = [x]\nprice(x)", shop=shop))
    assert "count: Input should be a valid integer" in given(await run("price('a', count='many')", shop=shop))
    assert "The tools are: price, calculator." in given(await run("prize('a')", shop=shop))
    assert "The tools are: price, calculator." in given(await run("run_python(code='1')", shop=shop))
    assert shop.calls == []


async def test_tools_that_read_files_or_skills_are_no_functions_in_a_run_without_any() -> None:
    tools = ["calculator", "read_file", "query_table", "read_skill", "run_python"]
    thoughts: list[AgentThought] = []
    model = ScriptedModel(calls_tool("run_python", code="read_file(name='a.txt')"), answers("Done."))

    await run_agent("Read.", model=model, tools=tools, report=thoughts.append)

    assert "The tools are: calculator." in given(thoughts)


async def test_awaited_calls_run_in_parallel_and_give_their_results_in_order() -> None:
    shop = Shop()
    lines = "import asyncio", "found = await asyncio.gather(*[price('tea', n) for n in range(40)])"
    code = "\n".join([*lines, "[each['price'] for each in found]"])

    thoughts = await run(code, shop=shop, limits=RunLimits(max_parallel_calls=4))

    assert given(thoughts)["value"] == [2.5 * n for n in range(40)]
    assert shop.most_at_once == 4


async def test_a_call_that_is_never_awaited_is_told_and_not_made() -> None:
    shop = Shop()

    said = given(await run("await price('tea')\nprice('coffee')", shop=shop))

    assert "Calls were never awaited, and so not made: price." in said
    assert shop.calls == [("tea", 1)]


async def test_who_forgets_one_await_is_told_about_it() -> None:
    said = given(await run("x = price('tea')\nx['price']\nawait price('tea')"))

    assert "The script uses `await`, so each call of a tool needs it." in said


async def test_the_calls_of_scripts_count_for_the_limit_of_calls() -> None:
    shop = Shop()

    said = given(await run("for n in range(9): price('tea', n)", shop=shop, limits=RunLimits(max_calls=4)))

    assert "The script was ended: The run reached its limit max_calls" in said
    assert "Before that it had called: price (3)." in said
    assert len(shop.calls) == 3


async def test_a_script_whose_calls_take_their_places_does_not_wait_for_itself() -> None:
    shop = Shop()
    model = ScriptedModel(
        calls_tools(*[("run_python", {"code": f"price('tea', {n})['price']"}) for n in range(3)]), answers("Done.")
    )
    tools = [FunctionTool(shop.price, effect="read"), "run_python"]

    result = await run_agent("Buy.", model=model, tools=tools, limits=RunLimits(max_parallel_calls=1))

    assert result.error is None
    assert [each.output["value"] for each in model.requests[-1].turns[-1].results] == [0.0, 2.5, 5.0]


async def test_a_script_ends_with_the_time_of_its_run() -> None:
    async def slow() -> str:
        """Wait."""
        await asyncio.sleep(60)
        return "late"

    model = ScriptedModel(calls_tool("run_python", code="try:\n    slow()\nexcept RuntimeError:\n    pass\nslow()"))
    tools = [FunctionTool(slow, effect="read"), "run_python"]

    async with asyncio.timeout(4):
        limits = RunLimits(max_duration_s=0.5, tool_timeout_s=9)
        result = await run_agent("Wait.", model=model, tools=tools, limits=limits)

    assert result.error is not None and result.error.code == "limit_max_duration_s"


async def test_a_process_that_dies_in_a_script_is_replaced_and_no_call_is_made_again() -> None:
    shop = Shop()
    code = "price('tea')\nprice('milk')\nx = 0\nwhile x < 3_000_000: x += 1\nprice('cups')\nx"

    running = asyncio.create_task(run(code, shop=shop))
    os.kill(await interpreter(), signal.SIGKILL)
    thoughts = await running

    assert given(thoughts)["value"] == 3_000_000
    assert shop.calls == [("tea", 1), ("milk", 1), ("cups", 1)]


async def test_results_have_one_form_so_that_a_script_sees_the_same_again_from_each_database() -> None:
    async def odd() -> dict[str, Any]:
        """Odd values."""
        return {"z": 1e23, "a": -0.0, "m": [2**70, 1.5, None, {"y": 1, "b": 2}]}

    model = ScriptedModel(calls_tool("run_python", code="r = odd()\n[str(r), r['z'] + 1]"), answers("Done."))

    await run_agent("Look.", model=model, tools=[FunctionTool(odd, effect="pure"), "run_python"])

    assert model.requests[-1].turns[-1].results[0].output["value"] == [
        f"{{'a': 0.0, 'm': [{2**70}, 1.5, None, {{'b': 2, 'y': 1}}], 'z': 1{'0' * 23}}}",
        10**23 + 1,
    ]
