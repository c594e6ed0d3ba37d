"""Messages to a run in progress, through the API."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User

from runs.engine import control
from runs.models import Run, RunMessage
from tests.api.conftest import Program, error_of

MakeRun = Callable[..., Run]


@pytest.fixture
def program(owner: User, program_of: Callable[..., Program]) -> Program:
    return program_of(owner)


def read_before(run: Run, turn: int) -> None:
    """What a host does that reads all messages."""
    run.messages.update(state="read", read_before_turn=turn)
    Run.objects.filter(pk=run.pk).update(queued_messages=0)


def test_messages_are_sent_and_listed_in_order_page_by_page(owner: User, make_run: MakeRun, program: Program) -> None:
    run = make_run(owner, status="idle")

    sent = [program.post(f"/runs/{run.pk}/messages", {"text": f"No. {n}"}) for n in range(3)]
    first = program.get(f"/runs/{run.pk}/messages", limit=2).json()
    rest = program.get(f"/runs/{run.pk}/messages", limit=2, cursor=first["next"]).json()

    assert [each.status_code for each in sent] == [201] * 3
    assert [each["text"] for each in first["items"] + rest["items"]] == ["No. 0", "No. 1", "No. 2"]
    assert (rest["next"], rest["items"][0]["position"], rest["items"][0]["sent_by"]) == (None, 3, owner.username)
    assert sent[0].json() == first["items"][0]


def test_the_same_key_sends_one_message(owner: User, make_run: MakeRun, program: Program) -> None:
    run = make_run(owner, status="idle")

    first, again = (program.post(f"/runs/{run.pk}/messages", {"text": "Once."}, Idempotency_Key="k") for _ in range(2))
    other = program.post(f"/runs/{run.pk}/messages", {"text": "Twice."}, Idempotency_Key="k")

    assert (first.status_code, again.status_code, again.json()) == (201, 200, first.json())
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (other.status_code, error_of(other)["code"]) == (409, "idempotency_key_reused")
    assert RunMessage.objects.count() == 1


def test_a_message_is_changed_and_withdrawn_until_it_is_read(owner: User, make_run: MakeRun, program: Program) -> None:
    run = make_run(owner, status="idle")
    message = program.post(f"/runs/{run.pk}/messages", {"text": "Feet.", "interrupt": True}).json()

    changed = program.send("PATCH", f"/messages/{message['id']}", {"text": "Metres."}).json()
    withdrawn = [program.send("DELETE", f"/messages/{message['id']}").json() for _ in range(2)]
    late = program.send("PATCH", f"/messages/{message['id']}", {"text": "Feet."})

    assert (changed["text"], changed["state"], changed["interrupt"]) == ("Metres.", "queued", True)
    assert changed["edited_at"] is not None
    assert [each["state"] for each in withdrawn] == ["withdrawn"] * 2
    assert (late.status_code, error_of(late)["message"]) == (409, "It was withdrawn.")


def test_who_comes_too_late_is_told_which_turn_has_read_it(owner: User, make_run: MakeRun, program: Program) -> None:
    run = make_run(owner, status="idle")
    message = program.post(f"/runs/{run.pk}/messages", {"text": "Feet."}).json()
    read_before(run, turn=4)

    for method, body in (("PATCH", {"text": "Metres."}), ("DELETE", None)):
        late = program.send(method, f"/messages/{message['id']}", body)
        error = error_of(late)
        assert (late.status_code, error["code"]) == (409, "already_read")
        assert error["message"] == "It was read before turn 4."


def test_a_run_that_has_ended_takes_no_message_and_says_what_it_has_not_read(
    owner: User, make_run: MakeRun, program: Program
) -> None:
    run = make_run(owner, status="idle")
    message = program.post(f"/runs/{run.pk}/messages", {"text": "Feet."}).json()
    control.cancel(run.pk, by=owner)

    refused = program.post(f"/runs/{run.pk}/messages", {"text": "Metres."})
    (listed,) = program.get(f"/runs/{run.pk}/messages").json()["items"]

    assert (refused.status_code, error_of(refused)["code"]) == (409, "run_ended")
    assert (listed["id"], listed["state"], listed["read_before_turn"]) == (message["id"], "not_read", None)


@pytest.mark.parametrize(("text", "status"), [("", 422), ("  ", 422), ("ü" * (16 * 1024 + 1), 413)])
def test_a_text_that_is_empty_or_too_long_is_refused(
    owner: User, make_run: MakeRun, program: Program, text: str, status: int
) -> None:
    run = make_run(owner, status="idle")

    assert program.post(f"/runs/{run.pk}/messages", {"text": text}).status_code == status
    assert not RunMessage.objects.exists()


def test_a_token_that_may_launch_but_not_read_gets_no_text(
    owner: User, make_run: MakeRun, program_of: Callable[..., Program]
) -> None:
    run = make_run(owner, status="idle")

    told = program_of(owner, "launch").post(f"/runs/{run.pk}/messages", {"text": "Feet."}).json()

    assert (told["state"], told["text"], told["sent_by"]) == ("queued", None, None)
