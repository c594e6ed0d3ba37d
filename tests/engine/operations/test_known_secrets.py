"""Secrets are in no record of a run."""

import json
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from runs.agent import tool
from runs.agent.messages import ModelReply, ToolRequest
from runs.agent.providers.scripted import ScriptedModel, answers
from runs.agent.redaction.redactor import Redactor, secrets_in
from runs.agent.redaction.stream_redactor import PieceRedactor
from runs.models import Run, Step, ToolCall
from tests.engine.conftest import ended, launch
from tests.operations.asking import wait_for_statuses
from tests.wire import Answer

SECRET = "canary-3f9c1d7e55aa"


@tool(effect="pure")
def show_environment(name: str) -> dict[str, Any]:
    """Leak it."""
    return {"value": SECRET, "list": [f"Bearer {SECRET}"], SECRET: "as a name", "asked": name}


@tool(effect="pure")
def fail_with_it() -> str:
    """Fail."""
    raise RuntimeError(f"cannot connect with {SECRET}")


def everything_of(run: Run) -> str:
    """All columns of the run, its steps and its calls, as one text."""
    rows = [*Step.objects.filter(run=run).values(), *ToolCall.objects.filter(run=run).values()]
    run_row = Run.objects.filter(pk=run.pk).values("answer", "output", "error")
    return json.dumps([*rows, *run_row], default=str)


async def test_a_secret_of_the_environment_is_in_no_row_of_a_run(host_for, ada, monkeypatch):
    monkeypatch.setenv("WEATHER_API_KEY", SECRET)
    model = ScriptedModel(
        ModelReply(
            reasoning=f"I use {SECRET}.",
            calls=(ToolRequest("show_environment", {"name": SECRET}), ToolRequest("fail_with_it", {})),
            replay={"response": {"text": SECRET}},
        ),
        answers(f"The key is {SECRET} and sk-abcdefgh12345678."),
    )
    host_for(model)

    run = await ended(await launch(ada))

    told = await sync(everything_of)(run)
    assert run.status == "completed"
    assert SECRET not in told and "sk-abcdefgh" not in told
    assert run.answer == "The key is [hidden] and [hidden]."
    assert told.count("[hidden]") >= 9


async def test_a_secret_is_hidden_in_the_error_that_ends_a_run(host_for, ada, monkeypatch):
    monkeypatch.setenv("WEATHER_API_KEY", SECRET)
    host_for(ScriptedModel(RuntimeError(f"no luck with {SECRET}")))

    run = await ended(await launch(ada))

    assert run.status == "failed"
    assert SECRET not in await sync(everything_of)(run)


def test_a_secret_in_the_name_of_a_tool_that_a_model_makes_up_is_in_no_row_of_a_site(start_site, wire_server):
    calls = [(f"read_{SECRET}", {}), ("calculator", {"expression": "1+1"}), (f"write_{SECRET}", {})]
    wire_server.script(Answer(calls=calls), Answer(calls=calls[:1]), Answer("Done."))
    endpoint = {"name": "local", "kind": "openai", "base_url": wire_server.base_url, "models": ["m1"]}
    site = start_site(AGENTSITE_ENDPOINTS=json.dumps([endpoint]), AGENTSITE_METRICS_TOKEN=SECRET)

    site.ask("from runs.engine import control; control.launch(user=None, task='t', overrides={'models': ['local/m1']})")
    wait_for_statuses(site, "completed")

    with closing(sqlite3.connect(site.data / "agentsite.sqlite3")) as database:
        names = database.execute("SELECT tool_name FROM runs_toolcall ORDER BY turn, [index]").fetchall()
        everything = "\n".join(database.iterdump())
    assert [name for (name,) in names] == ["read_[hidden]", "calculator", "write_[hidden]", "read_[hidden]"]
    assert '"calls"' in everything
    assert SECRET not in everything
    assert SECRET not in site.log.read_text()


def sync(function):
    from asgiref.sync import sync_to_async

    return sync_to_async(function, thread_sensitive=False)


def test_only_what_is_named_like_a_secret_and_long_enough_is_one():
    environ = {
        "OPENAI_API_KEY": "abcdefgh-1",
        "MY_PASSWORD": "short",
        "SSH_KEY_FILE": "/home/ada/.ssh/id",
        "DATABASE_URL": "postgres://site:pa55word-x@db/site",
        "LANG": "en_GB.UTF-8",
        "MAX_TOKENS": "1000000000",
    }

    assert secrets_in(environ) == {"abcdefgh-1", "pa55word-x"}


def test_a_token_of_our_own_api_is_hidden():
    assert Redactor().text("Use ags_4bYk-2fQw9LxZ, please.") == "Use [hidden], please."


def test_a_secret_that_begins_with_another_is_hidden_as_a_whole():
    assert Redactor({"abcdefgh", "abcdefgh-longer"}).text("x abcdefgh-longer y") == "x [hidden] y"


def test_values_that_are_no_text_stay_what_they_are():
    value = {"n": 1, "f": 1.5, "none": None, "yes": True, "list": [1, "two"]}

    assert Redactor({"abcdefgh"}).value(value) == value


def test_a_secret_that_comes_in_pieces_is_not_shown_in_pieces():
    pieces = PieceRedactor(Redactor({SECRET}))
    text = f"The can is {SECRET}, the canary sings."

    shown = [pieces.next("1-1-1", letter) for letter in text]

    assert "".join(shown) == "The can is [hidden], the canary sings."


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("It is canary-3f9c1d7e55a", "It is [hidden]"),
        ("It is canary-3", "It is [hidden]"),
        ("It is canary", "It is canary"),
        ("It is abcde", "It is [hidden]"),
        ("It is abcd", "It is abcd"),
        (f"{SECRET} and abc", "[hidden] and abc"),
        ("xcanary-abcdefg", "xcanary-[hidden]"),
        ("", ""),
    ],
)
def test_of_a_secret_that_is_cut_off_what_gives_it_away_is_hidden(text, kept):
    assert Redactor({SECRET, "abcdefgh"}).cut_off(text) == kept


def test_what_only_begins_like_a_secret_is_shown_with_the_next_piece():
    pieces = PieceRedactor(Redactor({SECRET}))

    assert [pieces.next("a", "a cana"), pieces.next("b", "rn"), pieces.next("a", "l")] == ["a ", "rn", "canal"]
