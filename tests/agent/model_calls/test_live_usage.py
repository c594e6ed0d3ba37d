"""Limits hold within a reply: requests carry the remainder, and a server that ignores it is stopped."""

import random
from decimal import Decimal
from itertools import product
from typing import Any

import pytest

from runs.agent import RetryPolicy, RunLimits, run_agent
from runs.agent.budget.budget import Budget
from runs.agent.budget.pricing import Price
from runs.agent.messages import ModelRequest
from runs.agent.model_settings import ModelSettings
from runs.agent.providers.capabilities import Capabilities
from runs.agent.providers.remote_model import RemoteModel
from runs.agent.thoughts import AgentThought, ThoughtType
from tests.wire import Answer, Reset, Status
from tests.wire.models import FORMATS, TOOLS, model_at

ONCE = RetryPolicy(max_attempts=1)
PRICE = Price(input=Decimal(1), output=Decimal(10))
PIECE_TOKENS = 30
"""Upper limit of the tokens of any piece below, by any count."""


def priced(model: RemoteModel) -> RemoteModel:
    model.price = PRICE
    return model


def asked_at_most(body: dict[str, Any]) -> int:
    """The output limit in a request, in any format; 0 without one."""
    names = ("max_tokens", "max_completion_tokens", "max_output_tokens")
    inner = body.get("generationConfig", {})
    return next((int(body[name]) for name in names if name in body), int(inner.get("maxOutputTokens", 0)))


@pytest.mark.experiment
@pytest.mark.parametrize(("wire_format", "reports"), list(product(FORMATS, (True, False))))
async def test_no_stream_passes_a_limit_by_more_than_one_piece(wire_server, wire_format, reports):
    chance = random.Random(f"{wire_format} {reports}")
    for number in range(25):
        words = chance.randint(1, 600)
        answer = Answer(
            "".join(chance.choice(["so ", "further ", "且 ", "…—", "an even longer piece, "]) for _ in range(words)),
            word_chars=chance.choice([1, 4, 23, 60]),
            usage=(20, words) if reports else None,
        )
        wire_server.script(answer)
        by_money = number % 2 == 1
        tokens = chance.randint(60, 400)
        usd = tokens * Decimal("0.00001")
        limits = RunLimits(max_cost_usd=usd) if by_money else RunLimits(max_tokens=tokens)

        result = await run_agent(
            "Go on.", model=priced(model_at(wire_server, wire_format)), tools=[], limits=limits, retry=ONCE
        )

        used = result.tokens_used
        assert result.success or result.error.code in ("limit_max_tokens", "limit_max_cost_usd"), result.error
        if by_money:
            # All tokens at the price of output, the input too.
            assert used * PRICE.output / 1_000_000 <= usd + PIECE_TOKENS * PRICE.output / 1_000_000 + Decimal("0.0004")
        else:
            assert used <= tokens + PIECE_TOKENS
        wire_server.forget()


@pytest.mark.parametrize("wire_format", FORMATS)
async def test_what_is_left_of_a_limit_is_asked_for_as_the_largest_output(wire_server, wire_format):
    wire_server.script(Answer("Short."))

    await run_agent(
        "Hi", model=model_at(wire_server, wire_format), tools=[], limits=RunLimits(max_tokens=300), retry=ONCE
    )

    assert 200 < asked_at_most(wire_server.requests[0].body) < 300


async def test_money_buys_as_many_tokens_as_it_pays_for(wire_server):
    wire_server.script(Answer("Short."))
    limits = RunLimits(max_cost_usd=Decimal("0.05"))

    await run_agent("Hi", model=priced(model_at(wire_server, "openai")), tools=[], limits=limits, retry=ONCE)

    # 5 cents at 10 dollars per million tokens are 5,000 tokens, minus the cost of the request.
    assert 4_900 < asked_at_most(wire_server.requests[0].body) <= 5_000


async def test_the_agents_own_limit_on_a_reply_is_never_raised_by_what_is_left(wire_server):
    wire_server.script(Answer("Short."))

    await run_agent(
        "Hi",
        model=model_at(wire_server, "openai"),
        tools=[],
        limits=RunLimits(max_tokens=5_000),
        settings=ModelSettings(max_output_tokens=77),
        retry=ONCE,
    )

    assert asked_at_most(wire_server.requests[0].body) == 77


async def test_nothing_is_asked_for_where_nothing_is_limited(wire_server):
    wire_server.script(Answer("Short."))

    await model_at(wire_server, "openai").reply(ModelRequest(task="Hi", tools=TOOLS))

    assert asked_at_most(wire_server.requests[0].body) == 0


async def test_a_stopped_reply_says_which_limit_and_leaves_no_connection_behind(wire_server):
    wire_server.script(Answer("again " * 5_000, word_chars=6, token_delay_s=0.0005, usage=None))

    result = await run_agent(
        "Hi", model=model_at(wire_server, "openai"), tools=[], limits=RunLimits(max_tokens=300), retry=ONCE
    )

    assert result.error.code == "limit_max_tokens"
    assert 300 < result.tokens_used <= 330


async def test_calls_that_never_end_are_stopped_too(wire_server):
    wire_server.script(Answer(calls=[("calculator", '{"expression": "' + "1+" * 20_000)], usage=None))

    result = await run_agent(
        "Hi", model=model_at(wire_server, "openai"), tools=["calculator"], limits=RunLimits(max_tokens=600), retry=ONCE
    )

    assert result.error.code == "limit_max_tokens"
    assert result.tokens_used <= 640


async def test_two_racing_replies_share_what_is_left(wire_server):
    long = Answer("again " * 2_000, word_chars=6, token_delay_s=0.001, usage=None)
    wire_server.script(long, long)
    models = [model_at(wire_server, "openai", model=name) for name in ("a", "b")]

    result = await run_agent(
        "Hi", model=models, strategy="race", tools=[], limits=RunLimits(max_tokens=400), retry=ONCE
    )

    assert result.error.code == "limit_max_tokens"
    assert result.tokens_used <= 400 + 2 * PIECE_TOKENS


async def test_what_an_attempt_that_broke_off_had_used_counts(wire_server):
    wire_server.script(Reset(after_chunks=20, answer=Answer("word " * 40)), Answer("Done."))

    result = await run_agent("Hi", model=model_at(wire_server, "openai"), tools=[], retry=RetryPolicy(base_s=0.01))

    assert result.output == "Done."
    assert result.tokens_used > 18


async def test_a_reply_that_was_thrown_away_is_paid_for(wire_server):
    empty = Answer("", usage=(1_000, 4_096))
    wire_server.script(empty, Answer("Done.", usage=(10, 5)))
    thoughts: list[AgentThought] = []

    result = await run_agent(
        "Hi",
        model=priced(model_at(wire_server, "openai")),
        tools=[],
        retry=RetryPolicy(base_s=0.01),
        report=thoughts.append,
    )

    assert result.tokens_used == 5_096 + 15
    assert [each.type for each in thoughts] == [ThoughtType.RETRY, ThoughtType.ANSWER]


async def test_a_request_that_was_refused_costs_nothing(wire_server):
    wire_server.script(Status(503), Answer("Done.", usage=(10, 5)))

    result = await run_agent("Hi", model=model_at(wire_server, "openai"), tools=[], retry=RetryPolicy(base_s=0.01))

    assert result.tokens_used == 15


def test_a_purse_counts_what_calls_in_flight_have_used():
    budget = Budget(max_tokens=100, tokens=40)
    budget.note_live(50, Decimal(0))
    budget.check_live()

    assert budget.left() == (60, None)
    budget.note_live(11, Decimal(0))
    with pytest.raises(Exception, match="max_tokens"):
        budget.check_live()


async def test_tools_that_are_not_sent_are_not_counted(wire_server):
    model = model_at(wire_server, "openai")
    model.wire_format.capabilities = Capabilities(tools=False)
    wire_server.script(Answer("A short one.", usage=(20, 4)))

    result = await run_agent("Write.", model=model, limits=RunLimits(max_tokens=150), retry=ONCE)

    assert result.output == "A short one."


async def test_a_step_whose_tokens_were_counted_here_says_so(wire_server):
    wire_server.script(Answer("No figures.", usage=None))
    thoughts: list[AgentThought] = []

    await run_agent("Hi", model=model_at(wire_server, "openai"), tools=[], retry=ONCE, report=thoughts.append)

    assert thoughts[-1].metadata["tokens_are_estimated"]
