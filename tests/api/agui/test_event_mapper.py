"""The event mapper over generated runs: in every order of events the stream is valid and ends with the record."""

from hypothesis import given, settings
from hypothesis import strategies as st

from runs.api.agui import events
from runs.api.agui.event_mapper import EventMapper
from runs.api.agui.transcript import Transcript
from runs.models.as_json import StepJson
from runs.reply_frames import ReplyFrame, SnapFrame
from tests.api.agui.conformance import check, check_rules, check_shape, messages_after
from tests.api.agui.invented_runs import ASKED, RUN, WORDS, delta, invented_runs, step, told, without_blanks


@given(st.data())
@settings(max_examples=120)
def test_whatever_comes_first_a_stream_is_valid_and_its_client_holds_what_is_recorded(data: st.DataObject) -> None:
    run = data.draw(invented_runs())

    stream, recorded = told(run, data.draw)

    check(stream)
    assert without_blanks(messages_after(stream, ASKED)) == without_blanks(recorded)


@given(st.data())
@settings(max_examples=80)
def test_a_client_that_joins_in_the_middle_has_a_valid_stream_and_holds_the_same(data: st.DataObject) -> None:
    run = data.draw(invented_runs())
    joined_at = data.draw(st.integers(1, max(1, len(run.steps))))

    stream, recorded = told(run, data.draw, joined_at=joined_at)

    check(stream)
    assert [event["type"] for event in stream[:2]] == ["RUN_STARTED", "MESSAGES_SNAPSHOT"]
    assert without_blanks(messages_after(stream, ASKED)) == without_blanks(recorded)


KINDS = ("reasoning", "tool_call", "tool_result", "answer", "retry", "race", "error", "approval", "note", "vision")
CARDS = st.builds("{}-{}-{}-0".format, st.integers(1, 2), st.integers(1, 3), st.integers(1, 2))
METADATA = st.one_of(
    st.just({}),
    st.builds(lambda card: {"card": card}, CARDS),
    st.builds(lambda cards: {"cards": cards, "card": cards[0]}, st.lists(CARDS, min_size=1, max_size=2)),
    st.builds(lambda note, card: {"note": note, "card": card}, st.sampled_from(["window", "bad_output", "x"]), CARDS),
    st.builds(lambda text: {"note": "unfinished", "partial": True, "answer": text}, WORDS),
    st.just({"note": "unfinished", "answer": None}),
)
ANY_STEP = st.builds(
    lambda kind, turn, content, call, metadata: step(kind, turn, content, call_id=call, metadata=metadata),
    st.sampled_from(KINDS),
    st.one_of(st.none(), st.integers(1, 3)),
    st.one_of(st.just(""), WORDS),
    st.sampled_from(["a", "b", None]),
    METADATA,
)
ANY_FRAME = st.one_of(
    st.builds(
        lambda card, number, text, kind: delta((card, number, text), kind=kind),
        CARDS,
        st.integers(1, 2),
        WORDS,
        st.sampled_from(["text", "reasoning", "x"]),
    ),
    st.builds(
        lambda card, number, text: SnapFrame(card, number, text and [("text", text)]),
        CARDS,
        st.integers(1, 2),
        st.one_of(st.none(), WORDS),
    ),
)


@given(st.lists(st.one_of(ANY_STEP, ANY_FRAME), max_size=25), st.booleans())
@settings(max_examples=150)
def test_even_what_no_run_would_record_makes_a_valid_stream(
    happened: list[StepJson | ReplyFrame], is_left: bool
) -> None:
    emitter, stream, sequence = EventMapper(Transcript(RUN), ASKED), [events.run_started("t", "r")], 0
    for each in happened:
        if isinstance(each, dict):
            sequence += 1
            stream += emitter.steps([{**each, "sequence": sequence}])
        else:
            stream += emitter.pieces(each)
    stream += [] if is_left else emitter.rest()
    stream += [*emitter.end(), events.run_finished("t", "r", {"type": "success"})]

    for event in stream:
        check_shape(event)
    check_rules(stream)
    messages_after(stream, ASKED)


def test_the_calls_of_a_script_are_no_part_of_the_conversation_and_are_told_as_they_are() -> None:
    emitter = EventMapper(Transcript(RUN), ASKED)
    asked = step("tool_call", 1, call_id="script", tool_name="run_python", tool_input={}, metadata={"effect": "pure"})
    nested = step(
        "tool_call", 1, call_id="n", tool_name="look", tool_input={}, metadata={"effect": "read", "parent_id": "script"}
    )
    results = [step("tool_result", 1, "seen", call_id="n"), step("tool_result", 1, "all", call_id="script")]
    steps = [asked, nested, *results, step("answer", 2, "Done.")]

    stream = [events.run_started("t", "r")]
    for sequence, each in enumerate(steps, 1):
        stream += emitter.steps([{**each, "sequence": sequence}])
    stream += [*emitter.rest(), *emitter.end(), events.run_finished("t", "r", {"type": "success"})]

    check(stream)
    held = messages_after(stream, ASKED)
    assert [message["role"] for message in held] == ["user", "assistant", "tool", "assistant"]
    assert [call["id"] for call in held[1]["toolCalls"]] == ["script"]
    assert sum(event["type"] == "CUSTOM" for event in stream) == 2
