"""Generated runs of a host, and how a client is told of them, for the tests of the event mapper."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from hypothesis import strategies as st

from runs.api.agui import events
from runs.api.agui.event_mapper import EventMapper
from runs.api.agui.transcript import Transcript
from runs.models.as_json import StepJson
from runs.reply_frames import Chunk, DeltaFrame, ReplyFrame, SnapFrame
from tests.api.agui.conformance import messages_after

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
