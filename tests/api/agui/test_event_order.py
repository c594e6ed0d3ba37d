"""Streams of a real server are valid, whatever happens to the run and whenever the client connects."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from tests.api.agui.client import RawClient
from tests.api.agui.conformance import Event, messages_after
from tests.live_site import LiveSite
from tests.wire.outcomes import Answer, Hang, Reset, Status
from tests.wire.server import ANSWER, WireServer

LOCAL: dict[str, Any] = {"forwardedProps": {"overrides": {"models": ["local/m1"]}}}
PRODUCT = ("calculator", {"expression": "6 * 7"})
SUM = ("calculator", {"expression": "6 + 7"})
TIDE = Answer("The tide comes in twice a day.", reasoning="Think of the moon.")


def types_of(stream: list[Event]) -> list[str]:
    """The types of the events."""
    return [event["type"] for event in stream]


def run_id_of(stream: list[Event]) -> str:
    """The id of the run of a stream."""
    found: str = next(event["snapshot"]["run"]["id"] for event in stream if event["type"] == "STATE_SNAPSHOT")
    return found


def until(stream: Iterator[Event], *kinds: str) -> list[Event]:
    """The events until there is one of each type, in whichever order."""
    told: list[Event] = []
    for event in stream:
        told.append(event)
        if set(kinds) <= set(types_of(told)):
            return told
    raise AssertionError(f"no {' and '.join(kinds)}: {types_of(told)}")


def shown(raw: RawClient, stream: list[Event], thread: str) -> None:
    """Assert that a client which connects later gets the messages the first one has."""
    later = raw.run("again", thread=thread)

    assert types_of(later)[:2] == ["RUN_STARTED", "MESSAGES_SNAPSHOT"]
    assert _ours(messages_after(stream)) == _ours(messages_after(later))


def _ours(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    ours = [message for message in messages if message["role"] != "user"]
    return [
        {name: value for name, value in message.items() if value != ""}
        for message in ours
        if message["role"] != "reasoning" or message["content"]
    ]


@pytest.mark.experiment
def test_sixty_fast_runs_at_once_are_told_in_order(raw: RawClient) -> None:
    tasks = [
        "What is {} * 7?",
        "multiply {} by 7 and convert the result from miles to km",
        "What is {} + 1, and {} + 2?",
    ]

    with ThreadPoolExecutor(8) as pool:
        streams = list(pool.map(lambda number: raw.run(tasks[number % 3].replace("{}", str(number))), range(60)))

    assert {types_of(stream)[-1] for stream in streams} == {"RUN_FINISHED"}
    assert all(
        {"TOOL_CALL_RESULT", "TEXT_MESSAGE_START", "TEXT_MESSAGE_END"} <= set(types_of(stream)) for stream in streams
    )


def test_a_client_that_comes_in_the_middle_of_a_word_is_told_the_rest(raw: RawClient, wire_server: WireServer) -> None:
    thread = str(uuid4())
    wire_server.script(Answer("I look.", calls=[PRODUCT]), Hang(after_chunks=8, answer=TIDE))
    first = raw.events("When is high tide?", thread=thread, **LOCAL)
    begun = until(first, "TEXT_MESSAGE_CONTENT")

    second = raw.events("When is high tide?", thread=thread)
    joined = until(second, "TEXT_MESSAGE_CONTENT")
    wire_server.release()
    begun, joined = [*begun, *first], [*joined, *second]

    assert messages_after(begun)[-1] == messages_after(joined)[-1]
    assert messages_after(joined)[-1]["content"] == TIDE.text
    shown(raw, begun, thread)


def test_lanes_and_failed_attempts_are_taken_back_under_ids_of_their_own(
    raw: RawClient, wire_server: WireServer
) -> None:
    thread = str(uuid4())
    wrong = Answer("It is never said to its end.", reasoning="A wrong thought.")
    wire_server.script(Reset(8, wrong), Reset(8, wrong), Answer("It comes at noon.", token_delay_s=0.02))

    stream = raw.run("When is high tide?", thread=thread, forwardedProps={"agent": "Racer"})

    assert messages_after(stream)[-1]["content"] in ("It comes at noon.", ANSWER.text)
    assert "agentsite.retry" in [event.get("name") for event in stream]
    shown(raw, stream, thread)


def test_several_calls_of_a_turn_have_their_results_before_the_next_words(
    raw: RawClient, wire_server: WireServer
) -> None:
    thread = str(uuid4())
    wire_server.script(
        Answer("First both.", reasoning="Two ways.", calls=[PRODUCT, SUM]),
        Answer("", calls=[SUM]),
        Answer("42 and 13."),
    )

    stream = raw.run("Multiply and add 6 and 7", thread=thread, **LOCAL)

    assert types_of(stream).count("TOOL_CALL_RESULT") == 3
    assert messages_after(stream)[-1]["content"] == "42 and 13."
    shown(raw, stream, thread)


def test_an_answer_that_does_not_fit_is_taken_back_and_asked_for_again(raw: RawClient, wire_server: WireServer) -> None:
    thread = str(uuid4())
    wire_server.script(Answer("High."), Answer("Higher."), Answer('{"height": 3.5}', reasoning="A number."))

    stream = raw.run("How high is the tide?", thread=thread, forwardedProps={"agent": "Measurer"})

    assert stream[-1]["result"] == {"height": 3.5}
    assert [message["content"] for message in _ours(messages_after(stream)) if message["role"] == "assistant"] == [
        '{\n  "height": 3.5\n}'
    ]
    shown(raw, stream, thread)


@pytest.mark.parametrize("how", ["stopped", "failed"])
def test_a_run_that_ends_in_the_middle_of_a_word_leaves_no_open_message(
    raw: RawClient, wire_server: WireServer, how: str
) -> None:
    thread = str(uuid4())
    wire_server.script(Hang(after_chunks=8, answer=TIDE), Status(401))
    stream = raw.events("When is high tide?", thread=thread, **LOCAL)
    told = until(stream, "STATE_SNAPSHOT", "TEXT_MESSAGE_CONTENT")

    if how == "stopped":
        raw.call("POST", f"/runs/{run_id_of(told)}/cancel")
    else:
        wire_server.break_off()
    told += stream

    ends = {"stopped": ("RUN_FINISHED", {"type": "cancelled"}), "failed": ("RUN_ERROR", None)}
    assert (told[-1]["type"], told[-1].get("outcome")) == ends[how]
    shown(raw, told, thread)


def test_a_run_that_is_paused_and_resumed_goes_on_in_the_same_stream(raw: RawClient, wire_server: WireServer) -> None:
    thread = str(uuid4())
    wire_server.script(
        Hang(after_chunks=8, answer=Answer("I look.", calls=[PRODUCT])), Answer("It is 42.", reasoning="Easy.")
    )
    stream = raw.events("What is 6 * 7?", thread=thread, **LOCAL)
    told = until(stream, "STATE_SNAPSHOT", "TEXT_MESSAGE_CONTENT")

    raw.call("POST", f"/runs/{run_id_of(told)}/pause")
    wire_server.release()
    for event in stream:
        told.append(event)
        if event["type"] == "STATE_SNAPSHOT" and event["snapshot"]["run"]["waiting_for"] == "resume":
            break
    types = types_of(told)
    raw.call("POST", f"/runs/{run_id_of(told)}/resume")
    told += stream

    assert types.count("TEXT_MESSAGE_START") == types.count("TEXT_MESSAGE_END")
    assert messages_after(told)[-1]["content"] == "It is 42."
    shown(raw, told, thread)


def test_two_interrupts_of_which_one_was_answered_elsewhere(raw: RawClient, wire_server: WireServer) -> None:
    thread = str(uuid4())
    wire_server.script(Answer("I ask.", calls=[PRODUCT, SUM]), Answer("42 and 13."))
    asked = raw.run("Multiply and add", thread=thread, forwardedProps={"agent": "Careful caller"})
    first, second = asked[-1]["outcome"]["interrupts"]

    call = first["metadata"]["agentsite"]
    raw.call("POST", f"/calls/{call['call_id']}/approve", {"arguments_hash": call["arguments_hash"]})
    again = raw.run("Multiply and add", thread=thread)
    answer = {"interruptId": second["id"], "status": "resolved", "payload": {"approved": False}}
    told = raw.run("Multiply and add", thread=thread, run="r2", resume=[answer], messages=messages_after(asked))

    assert [each["id"] for each in again[-1]["outcome"]["interrupts"]] == [second["id"]]
    assert messages_after(told)[-1]["content"] == "42 and 13."
    assert types_of(told).count("TOOL_CALL_RESULT") + str(told[1]).count("'role': 'tool'") == 2


def test_a_run_that_was_over_before_its_stream_began_is_one_snapshot(raw: RawClient, site: LiveSite) -> None:
    ends = {}
    for status in ("completed", "failed", "cancelled"):
        thread = str(uuid4())
        stream = raw.run("What is 17 * 23?", thread=thread)
        error = "{'message': 'Down.', 'code': 'x'}" if status == "failed" else None
        change = f".filter(pk='{run_id_of(stream)}').update(status='{status}', error={error})"
        site.ask(f"from runs.models import Run; Run.objects{change}")
        later = raw.run("What is 17 * 23?", thread=thread)
        ends[status] = (types_of(later)[:3], later[-1].get("outcome"), later[-1].get("code"))

    begins = ["RUN_STARTED", "MESSAGES_SNAPSHOT", "STATE_SNAPSHOT"]
    assert ends == {
        "completed": (begins, {"type": "success"}, None),
        "failed": (begins, None, "x"),
        "cancelled": (begins, {"type": "cancelled"}, None),
    }


def test_what_a_client_sends_is_repeated_to_it_as_the_protocol_has_it(raw: RawClient) -> None:
    thread = str(uuid4())
    sent = [
        {"id": "s", "role": "system", "content": None},
        {"id": "a", "role": "assistant", "content": None, "name": None},
        {"id": "u", "role": "user", "content": [{"type": "text", "text": "Good morning."}]},
    ]
    raw.run("What is 17 * 23?", thread=thread)

    later = raw.run("What is 17 * 23?", thread=thread, messages=sent)

    assert later[1]["messages"][:3] == [
        {"id": "s", "role": "system", "content": ""},
        {"id": "a", "role": "assistant"},
        sent[2],
    ]
