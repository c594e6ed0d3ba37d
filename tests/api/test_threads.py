"""Threads over the API: the list, one thread and its runs, its marks, and the next message anywhere in it."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import User

from runs.models import Agent, Run
from tests.api.conftest import Program, error_of
from tests.web.thread_fixtures import NOON

ProgramOf = Callable[..., Program]
MakeRun = Callable[..., Run]


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [each["id"] for each in answer.json()["items"]]


def test_the_list_has_threads_with_their_sums_and_pages_without_gaps(
    owner: User, program_of: ProgramOf, say: Callable[..., Run]
) -> None:
    firsts = [say(owner, f"task {number}", cost="0.25", tokens_used=10) for number in range(3)]
    for first in firsts:
        say(owner, "and then?", after=first, cost="0.50", tokens_used=5)
    program = program_of(owner)

    page = program.get("/threads", limit=2)
    rest = program.get("/threads", limit=2, cursor=page.json()["next"])

    assert ids(page) + ids(rest) == [str(run.pk) for run in reversed(firsts)]
    assert rest.json()["next"] is None
    thread = page.json()["items"][0]
    assert (thread["title"], thread["runs"], thread["cost"], thread["tokens_used"]) == ("task 2", 2, "0.75", 15)
    assert (thread["starred"], thread["archived_at"], thread["own_title"]) == (False, None, None)
    assert ids(program.get("/threads", q="TASK 1")) == [str(firsts[1].pk)]


def test_a_thread_is_named_starred_and_archived_and_what_is_left_out_stays(
    owner: User, other: User, program_of: ProgramOf, say: Callable[..., Run]
) -> None:
    first = say(owner, "half of 90")
    program, path = program_of(owner), f"/threads/{first.pk}"

    named = program.send("PATCH", path, {"title": "Distances", "starred": True}).json()
    archived = program.send("PATCH", path, {"archived": True}).json()

    assert (named["title"], named["own_title"], named["starred"]) == ("Distances", "Distances", True)
    assert archived["archived_at"] is not None and archived["title"] == "Distances"
    assert (ids(program.get("/threads")), ids(program.get("/threads", show="archived"))) == ([], [str(first.pk)])
    assert program.send("PATCH", path, {"archived": False, "title": ""}).json() == program.get(path).json()
    assert ids(program.get("/threads", show="starred")) == [str(first.pk)]
    assert program_of(other).send("PATCH", path, {"starred": True}).status_code == 404
    assert program.send("PATCH", path, {"name": "x"}).status_code == 422
    told = program_of(owner, "launch").send("PATCH", path, {"starred": False}).json()
    assert told.pop("id") == str(first.pk) and set(told.values()) == {None}


def test_the_runs_of_a_thread_come_in_order_and_say_what_each_continues(
    owner: User, program_of: ProgramOf, say: Callable[..., Run]
) -> None:
    first = say(owner, "half of 90")
    one = say(owner, "and in miles?", after=first)
    two = say(owner, "and in feet?", after=first)
    program = program_of(owner)

    page = program.get(f"/threads/{first.pk}/runs", limit=2)
    rest = program.get(f"/threads/{first.pk}/runs", limit=2, cursor=page.json()["next"])

    assert ids(page) + ids(rest) == [str(run.pk) for run in (first, one, two)]
    runs = [*page.json()["items"], *rest.json()["items"]]
    assert [run["continues_id"] for run in runs] == [None, str(first.pk), str(first.pk)]
    assert {run["thread_id"] for run in runs} == {str(first.pk)}


def test_the_next_message_goes_to_the_end_after_a_run_or_in_the_place_of_one(
    owner: User, program_of: ProgramOf, say: Callable[..., Run]
) -> None:
    first = say(owner, "half of 90")
    second = say(owner, "and in miles?", after=first)
    program, path = program_of(owner), f"/threads/{first.pk}/runs"

    def written(**body: Any) -> dict[str, Any]:
        answer = program.post(path, {"message": "and then?", **body})
        assert answer.status_code == 201, answer.content
        run: dict[str, Any] = answer.json()
        Run.objects.filter(pk=run["id"]).update(status="completed", ended_at=NOON)
        return run

    end, after = written(), written(after=str(first.pk))
    instead, root = written(instead_of=str(second.pk)), written(instead_of=str(first.pk))

    assert [run["continues_id"] for run in (end, after, instead, root)] == [
        str(second.pk),
        str(first.pk),
        str(first.pk),
        None,
    ]
    assert {run["thread_id"] for run in (end, after, instead, root)} == {str(first.pk)}


def test_a_message_may_be_for_another_agent_and_is_sent_once(
    owner: User, program_of: ProgramOf, say: Callable[..., Run]
) -> None:
    first = say(owner, "half of 90")
    Agent.objects.create(name="Coder", model_names=["offline"])
    program, body = program_of(owner), {"message": "in Python", "agent": "Coder"}

    sent = program.post(f"/threads/{first.pk}/runs", body, Idempotency_Key="k1")
    again = program.post(f"/threads/{first.pk}/runs", body, Idempotency_Key="k1")

    assert sent.json()["agent"] == "Coder" and (sent.status_code, again.status_code) == (201, 200)
    assert sent.json()["id"] == again.json()["id"]


def test_what_cannot_be_sent_is_refused_by_name(
    owner: User, program_of: ProgramOf, say: Callable[..., Run], make_run: MakeRun
) -> None:
    first, elsewhere = say(owner, "half of 90"), say(owner, "other")
    going = make_run(owner, status="idle", task="going")
    program, path = program_of(owner), f"/threads/{first.pk}/runs"

    both = program.post(path, {"message": "x", "after": str(first.pk), "instead_of": str(first.pk)})
    strange = program.post(path, {"message": "x", "after": str(elsewhere.pk)})
    early = program.post(f"/threads/{going.pk}/runs", {"message": "x"})

    assert (both.status_code, strange.status_code) == (422, 422)
    assert (early.status_code, error_of(early)["code"]) == (409, "not_finished")
