"""The event mapper over generated runs: in every order of events the stream is valid and ends with the record."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runs.api.agui import events
from runs.api.agui.event_mapper import EventMapper
from runs.api.agui.transcript import Transcript
from runs.models.as_json import StepJson
from runs.reply_frames import Chunk, DeltaFrame, ReplyFrame, SnapFrame
from tests.api.agui.conformance import check, check_rules, check_shape, messages_after

RUN = "run"
WORDS = st.text(alphabet=" ab\né", min_size=1, max_size=12)
ASKED = [{"id": "m1", "role": "user", "content": "When is high tide?"}]


def step(kind: str, turn: int | None, content: str = "", **more: Any) -> StepJson:
    """A step as the API shows it, without its sequence."""
    blank = dict.fromkeys(("tool_name", "call_id", "tool_input", "tool_output", "attempt", "lane", "tokens"))
    return cast(StepJson, {**blank, "kind": kind, "turn": turn, "content": content, "metadata": {}, **more})


def delta(*chunks: tuple[str, int, str], kind: str = "text") -> DeltaFrame:
    """A frame of pieces, each as card, number and text."""
    return DeltaFrame([Chunk(card, number, (kind, text)) for card, number, text in chunks])


@dataclass
class InventedRun:
    """A generated run: its steps, and the frames of its replies in the making, each in order."""

    steps: list[StepJson] = field(default_factory=list)
    frames: list[ReplyFrame] = field(default_factory=list)
    asked_at: list[int] = field(default_factory=list)
    """For each frame: the number of steps that were recorded before it."""
    chunks: dict[str, int] = field(default_factory=dict)

    def record(self, *steps: StepJson) -> None:
        """Record steps in one write."""
        for each in steps:
            self.steps.append(cast(StepJson, {**each, "sequence": len(self.steps) + 1}))

    def write(self, card: str, kind: str, text: str) -> None:
        """Stream text of a reply."""
        self.chunks[card] = number = self.chunks.get(card, 0) + 1
        self._send(delta((card, number, text), kind=kind))

    def snap(self, card: str, pieces: list[tuple[str, str]]) -> None:
        """Send a snapshot: all text of a reply so far."""
        self._send(SnapFrame(card, self.chunks.get(card, 0), pieces))

    def remove(self, card: str) -> None:
        """Send the end of a reply in the making."""
        self._send(SnapFrame(card, self.chunks.get(card, 0) + 1, None))

    def _send(self, frame: ReplyFrame) -> None:
        self.frames.append(frame)
        self.asked_at.append(len(self.steps))


@st.composite
def invented_runs(draw: st.DrawFn) -> InventedRun:
    """Runs as the loop and its host make them: turns, failed attempts, lost lanes, lost claims."""
    run, epoch = InventedRun(), 1
    for turn in range(1, draw(st.integers(1, 4)) + 1):
        for attempt in range(draw(st.integers(0, 2))):
            epoch += _failed_attempt(draw, run, epoch, turn, attempt + 1)
        if draw(st.integers(0, 5)) == 0:
            # Interrupted, and continued in the next turn under another claim.
            card = f"{epoch}-{turn}-8-0"
            run.record(_unfinished(draw, card, turn, _written(draw, run, card), goes_on=True))
            epoch += 1
            continue
        if not _reply(draw, run, f"{epoch}-{turn}-9-0", turn):
            return run
    if draw(st.booleans()):
        card = f"{epoch}-{turn + 1}-1-0"
        pieces = _written(draw, run, card)
        if draw(st.booleans()):
            run.record(_unfinished(draw, card, turn + 1, pieces))
        run.record(step("error", turn + 1, "It failed."))
    return run


def _written(draw: st.DrawFn, run: InventedRun, card: str) -> list[tuple[str, str]]:
    kinds = st.sampled_from(["text", "reasoning"])
    pieces: list[tuple[str, str]] = draw(st.lists(st.tuples(kinds, WORDS), max_size=4))
    if draw(st.booleans()):
        pieces.sort()  # Most providers send reasoning before text.
    for number, (kind, text) in enumerate(pieces):
        if draw(st.integers(0, 3)):
            run.write(card, kind, text)
        else:
            run.chunks[card] = run.chunks.get(card, 0) + 1
            run.snap(card, pieces[: number + 1])
    return pieces


def _unfinished(
    draw: st.DrawFn, card: str, turn: int, pieces: list[tuple[str, str]], *, goes_on: bool = False
) -> StepJson:
    said = "".join(text for kind, text in pieces if kind == "text")
    about: dict[str, Any] = {"note": "unfinished", "partial": True, "answer": said, "goes_on": goes_on}
    if goes_on or draw(st.booleans()):
        about["card"] = card
    told_turn = turn if goes_on else draw(st.sampled_from([turn, None]))
    return step("note", told_turn, "Unfinished.", metadata=about)


def _failed_attempt(draw: st.DrawFn, run: InventedRun, epoch: int, turn: int, attempt: int) -> int:
    """A failed attempt; returns 1 if its claim is lost too."""
    card = f"{epoch}-{turn}-{attempt}-0"
    pieces = _written(draw, run, card)
    how = draw(st.sampled_from(["retry", "noted retry", "race", "lost", "stopped"]))
    if "noted" in how or (how == "stopped" and draw(st.booleans())):
        run.record(_unfinished(draw, card, turn, pieces))
    if "retry" in how:
        run.record(step("retry", turn, "Down.", metadata={"card": card}))
    if how == "race":
        beside = f"{epoch}-{turn}-{attempt}-1"
        _written(draw, run, beside)
        run.record(step("race", turn, "The third won.", metadata={"card": card, "cards": [card, beside]}))
    if how in ("lost", "stopped"):
        run.record(step("note", None, "Resumed.", metadata={"note": "resumed"}))
        return 1
    if draw(st.booleans()):
        run.remove(card)
    return 0


def _reply(draw: st.DrawFn, run: InventedRun, card: str, turn: int) -> bool:
    """A reply, recorded as the loop does; True if another turn follows."""
    pieces = _written(draw, run, card)
    thought = "".join(text for kind, text in pieces if kind == "reasoning")
    said = "".join(text for kind, text in pieces if kind == "text")
    if draw(st.integers(0, 4)) == 0:
        said, thought = said + draw(WORDS), draw(st.sampled_from([thought, thought + "!", "Another thought."]))
    about = {"card": card}
    how = draw(st.sampled_from(["calls", "calls", "answer", "bad_output"]))
    if how == "bad_output":
        run.record(step("note", turn, "It does not fit.", metadata={"note": "bad_output", **about}))
        return True
    if how == "answer":
        thoughts = [step("reasoning", turn, thought)] if thought.strip() else []
        run.record(*thoughts, step("answer", turn, said, metadata=about))
        return False
    calls = [f"call-{turn}-{index}" for index in range(draw(st.integers(1, 3)))]
    beside = "\n\n".join(part for part in (thought, said) if part.strip())
    thoughts = [step("reasoning", turn, beside)] if beside else []
    asked = [step("tool_call", turn, call_id=each, tool_name="search", tool_input={"q": each}) for each in calls]
    asked[-1]["metadata"] = about
    run.record(*thoughts, *asked)
    if draw(st.booleans()):
        run.remove(card)
    for call in draw(st.permutations(calls)):
        if draw(st.integers(0, 5)) == 0:
            run.record(step("approval", turn, "May it run?", call_id=call))
        run.record(step("tool_result", turn, "Found.", call_id=call, tool_name="search"))
    return True


def told(
    run: InventedRun, draw: Callable[..., Any], *, joined_at: int = 0
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The stream of a client that joins after some steps, and the messages of one that joins at the end.

    Text arrives over the doorbell and steps from the database: each in order, neither waits for the other.
    """
    emitter = EventMapper(Transcript(RUN), ASKED)
    stream = [events.run_started("t", "r")]
    steps = run.steps[joined_at:]
    frames = [frame for frame, at in zip(run.frames, run.asked_at, strict=True) if at >= joined_at]
    if joined_at:
        emitter.take_in(run.steps[:joined_at])
        stream.append(emitter.snapshot())
    while steps or frames:
        if frames and (not steps or draw(st.booleans())):
            stream += emitter.pieces(frames.pop(0))
        else:
            page = draw(st.integers(1, 3))
            stream += emitter.steps(steps[:page])
            del steps[:page]
    stream += [*emitter.rest(), *emitter.end(), events.run_finished("t", "r", {"type": "success"})]
    late = EventMapper(Transcript(RUN), ASKED)
    late.take_in(run.steps)
    return stream, messages_after([late.snapshot()], ASKED)


def without_blanks(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The messages without emptied reasoning, which no event can delete; empty content counts as none."""
    return [
        {name: value for name, value in message.items() if (name, value) != ("content", "")}
        for message in messages
        if message["role"] != "reasoning" or message["content"]
    ]


@given(st.data())
@settings(max_examples=120, deadline=None)
def test_whatever_comes_first_a_stream_is_valid_and_its_client_holds_what_is_recorded(data: st.DataObject) -> None:
    run = data.draw(invented_runs())

    stream, recorded = told(run, data.draw)

    check(stream)
    assert without_blanks(messages_after(stream, ASKED)) == without_blanks(recorded)


@given(st.data())
@settings(max_examples=80, deadline=None)
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
@settings(max_examples=150, deadline=None)
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
