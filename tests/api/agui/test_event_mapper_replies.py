"""What the event mapper tells of a reply: when its words come, where, and what takes their place."""

import pytest

from runs.api.agui import events
from runs.api.agui.event_mapper import EventMapper
from runs.api.agui.transcript import Transcript
from runs.reply_frames import SnapFrame
from tests.api.agui.conformance import check, messages_after
from tests.api.agui.invented_runs import ASKED, RUN, InventedRun, delta, step


def test_words_wait_until_the_last_result_of_the_turn_before_is_told() -> None:
    run = InventedRun()
    run.record(
        step("tool_call", 1, call_id="a", tool_name="search"),
        step("tool_call", 1, call_id="b", tool_name="search", metadata={"card": "1-1-1-0"}),
        step("tool_result", 1, "Found.", call_id="b"),
        step("tool_result", 1, "Nothing.", call_id="a"),
    )
    emitter = EventMapper(Transcript(RUN), ASKED)

    early = emitter.pieces(delta(("1-2-1-0", 1, "It is ")))
    called = emitter.steps(run.steps[:3])
    more = emitter.pieces(delta(("1-2-1-0", 2, "found.")))
    answered = emitter.steps(run.steps[3:])

    assert (early, more) == ([], [])
    assert [event["type"] for event in called if event["type"].startswith("TEXT")] == []
    assert [event["type"] for event in answered] == [
        "TOOL_CALL_RESULT",
        "STEP_FINISHED",
        "STEP_STARTED",
        "TEXT_MESSAGE_START",
        "TEXT_MESSAGE_CONTENT",
    ]
    assert answered[-1]["delta"] == "It is found."


def test_a_reply_that_goes_on_in_the_next_turn_is_told_as_it_is_written() -> None:
    emitter = EventMapper(Transcript(RUN), ASKED)
    note = {"note": "unfinished", "partial": True, "answer": "The tide ", "card": "1-1-1-0", "goes_on": True}
    stream = [events.run_started("t", "r"), *emitter.pieces(delta(("1-1-1-0", 1, "The tide ")))]
    stream += emitter.steps([step("note", 1, "Paused.", sequence=1, metadata=note)])

    stream += emitter.pieces(delta(("2-2-1-0", 1, "comes in.")))
    written = [message["content"] for message in messages_after(stream, ASKED)]
    stream += emitter.steps([step("answer", 2, "The tide comes in.", sequence=2, metadata={"card": "2-2-1-0"})])
    stream += [*emitter.rest(), *emitter.end(), events.run_finished("t", "r", {"type": "success"})]

    check(stream)
    assert written == [ASKED[0]["content"], "The tide ", "comes in."]
    assert [each["content"] for each in messages_after(stream, ASKED)] == [ASKED[0]["content"], "The tide comes in."]


def test_what_an_unfinished_reply_had_said_stays_marked_until_the_reply_comes() -> None:
    note = {"note": "unfinished", "partial": True, "answer": "The tide", "card": "1-1-1-0"}
    emitter = EventMapper(Transcript(RUN), ASKED)
    stream = [events.run_started("t", "r"), *emitter.pieces(delta(("1-1-1-0", 1, "The tide comes")))]

    stream += emitter.steps([step("note", 1, "Stopped.", sequence=1, metadata=note)])
    kept = messages_after(stream, ASKED)
    stream += emitter.steps([step("answer", 1, "The tide comes in.", sequence=2, metadata={"card": "2-1-1-0"})])
    stream += [*emitter.rest(), *emitter.end(), events.run_finished("t", "r", {"type": "success"})]

    check(stream)
    marked = {"metadata": {"agentsite": {"unfinished": True}}}
    assert kept[1:] == [{"id": "run:1:unfinished", "role": "assistant", "content": "The tide", **marked}]
    assert [event["name"] for event in stream if event["type"] == "CUSTOM"] == ["agentsite.note"]
    assert [message["content"] for message in messages_after(stream, ASKED)] == [
        ASKED[0]["content"],
        "The tide comes in.",
    ]


@pytest.mark.parametrize("is_streamed", [True, False])
def test_thoughts_that_come_after_the_words_have_their_place_before_them(is_streamed: bool) -> None:
    emitter = EventMapper(Transcript(RUN), ASKED)
    stream = [events.run_started("t", "r"), *emitter.pieces(delta(("1-1-1-0", 1, "It comes in.")))]
    if is_streamed:
        stream += emitter.pieces(delta(("1-1-1-0", 2, "The moon."), kind="reasoning"))

    stream += emitter.steps([step("reasoning", 1, "The moon.", sequence=1)])
    stream += emitter.steps([step("answer", 1, "It comes in.", sequence=2, metadata={"card": "1-1-1-0"})])
    stream += [*emitter.rest(), *emitter.end(), events.run_finished("t", "r", {"type": "success"})]

    check(stream)
    assert [(each["role"], each["content"]) for each in messages_after(stream, ASKED)[1:]] == [
        ("reasoning", "The moon."),
        ("assistant", "It comes in."),
    ]


def test_words_of_a_later_claim_take_the_place_of_those_its_host_was_lost_with() -> None:
    emitter = EventMapper(Transcript(RUN), ASKED)
    stream = [events.run_started("t", "r"), *emitter.pieces(delta(("1-1-1-0", 1, "The ti")))]

    stream += emitter.pieces(SnapFrame("1-1-1-0", 2, None))
    stream += emitter.pieces(delta(("2-1-1-0", 1, "It comes")))
    written = [message["content"] for message in messages_after(stream, ASKED)[1:]]
    stream += [*emitter.rest(), *emitter.end(), events.run_finished("t", "r", {"type": "cancelled"})]

    check(stream)
    assert written == ["It comes"]
    assert messages_after(stream, ASKED) == ASKED


def test_after_a_lost_chunk_words_wait_for_the_snap_that_has_it_and_an_older_snap_changes_nothing() -> None:
    emitter = EventMapper(Transcript(RUN), ASKED)
    stream = [events.run_started("t", "r"), *emitter.pieces(delta(("1-1-1-0", 1, "The "), ("1-1-1-0", 2, "tide ")))]

    stream += emitter.pieces(SnapFrame("1-1-1-0", 1, [("text", "The ")]))
    gap = emitter.pieces(delta(("1-1-1-0", 4, " in.")))
    stream += emitter.pieces(SnapFrame("1-1-1-0", 4, [("text", "The tide comes in.")]))

    assert gap == []
    assert messages_after(stream, ASKED)[-1]["content"] == "The tide comes in."


def test_only_the_lane_that_is_told_first_is_told_until_it_has_lost() -> None:
    emitter = EventMapper(Transcript(RUN), ASKED)
    stream = [events.run_started("t", "r"), *emitter.pieces(delta(("1-1-1-1", 1, "One"), ("1-1-1-2", 1, "Two")))]

    first = [message["content"] for message in messages_after(stream, ASKED)[1:]]
    lost = {"card": "1-1-1-1", "cards": ["1-1-1-1"]}
    stream += emitter.steps([step("race", 1, "The second won.", sequence=1, metadata=lost)])
    second = [message["content"] for message in messages_after(stream, ASKED)[1:]]
    stream += emitter.steps([step("answer", 1, "Two.", sequence=2, metadata={"card": "1-1-1-2"})])
    stream += [*emitter.rest(), *emitter.end(), events.run_finished("t", "r", {"type": "success"})]

    check(stream)
    assert (first, second) == (["One"], ["Two"])
    assert [each["id"] for each in messages_after(stream, ASKED)[1:]] == ["run:1:assistant"]


def test_reasoning_that_came_to_nothing_is_emptied_where_the_client_would_keep_it() -> None:
    emitter = EventMapper(Transcript(RUN), ASKED, thoughts=["run:1:reasoning"])
    held = [*ASKED, {"id": "run:1:reasoning", "role": "reasoning", "content": "A thought of an earlier stream."}]

    after = messages_after([emitter.snapshot()], held)

    assert after[1:] == [{"id": "run:1:reasoning", "role": "reasoning", "content": ""}]


def test_a_lane_that_fails_beside_the_one_that_is_told_interrupts_no_word_of_it() -> None:
    emitter = EventMapper(Transcript(RUN), ASKED)
    stream = [events.run_started("t", "r"), *emitter.pieces(delta(("1-1-1-1", 1, "One"), ("1-1-1-2", 1, "Two")))]

    note = {"note": "unfinished", "partial": True, "answer": "Two", "card": "1-1-1-2"}
    stream += emitter.steps([step("note", 1, "Two", sequence=1, metadata=note)])
    stream += emitter.steps([step("retry", 1, "Down.", sequence=2, metadata={"card": "1-1-1-2"})])
    stream += emitter.pieces(delta(("1-1-1-1", 2, " comes.")))
    beside = [message["content"] for message in messages_after(stream, ASKED)[1:]]
    stream += emitter.steps([step("answer", 1, "One comes.", sequence=3, metadata={"card": "1-1-1-1"})])
    stream += [*emitter.rest(), *emitter.end(), events.run_finished("t", "r", {"type": "success"})]

    check(stream)
    assert sorted(beside) == ["One comes.", "Two"]
    assert [each["content"] for each in messages_after(stream, ASKED)[1:]] == ["One comes."]


def test_words_that_are_recorded_as_the_thought_before_calls_are_not_told_again() -> None:
    emitter = EventMapper(Transcript(RUN), ASKED)
    stream = [events.run_started("t", "r"), *emitter.pieces(delta(("1-1-1-0", 1, "I look.")))]

    stream += emitter.steps([step("reasoning", 1, "I look.", sequence=1)])
    late = emitter.pieces(SnapFrame("1-1-1-0", 2, [("text", "I look. ")]))
    call = step("tool_call", 1, sequence=2, call_id="a", tool_name="search", metadata={"card": "1-1-1-0"})
    stream += [*late, *emitter.steps([call]), *emitter.rest(), *emitter.end()]
    stream.append(events.run_finished("t", "r", {"type": "cancelled"}))

    check(stream)
    assert late == []
    assert [message["role"] for message in messages_after(stream)] == ["user", "reasoning", "assistant"]


def test_a_step_of_an_earlier_turn_opens_none_again() -> None:
    emitter = EventMapper(Transcript(RUN), ASKED)
    answered = step("note", 1, "It does not fit.", sequence=1, metadata={"note": "bad_output", "card": "1-1-1-0"})
    stream = [events.run_started("t", "r"), *emitter.steps([answered])]
    stream += emitter.pieces(delta(("1-2-1-0", 1, "The tide")))

    stream += emitter.steps([step("note", 1, "Late.", sequence=2)])
    stream += [*emitter.end(), events.run_finished("t", "r", {"type": "success"})]

    check(stream)
    assert [event["stepName"] for event in stream if event["type"] == "STEP_STARTED"] == ["turn 1", "turn 2"]


@pytest.mark.parametrize("turn", [1, None])
def test_a_note_of_an_unfinished_reply_that_names_no_card_ends_what_is_told(turn: int | None) -> None:
    emitter = EventMapper(Transcript(RUN), ASKED)
    stream = [events.run_started("t", "r"), *emitter.pieces(delta(("1-1-1-0", 1, "The tide")))]

    note = {"note": "unfinished", "partial": True, "answer": "The tide"}
    stream += emitter.steps([step("note", turn, "The tide", sequence=1, metadata=note)])
    late = emitter.pieces(delta(("1-1-1-0", 2, " comes in.")))
    stream += [*late, events.run_error("Down.", "x")]

    check(stream)
    assert (stream[-2]["type"], late) == ("CUSTOM", [])
    assert [message["content"] for message in messages_after(stream, ASKED)[1:]] == ["The tide"]
