"""Samples of the page of a run: pills, the run bar, the stage, turns and steps."""

import time
from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

from django.utils import timezone

from runs.agent.json_data.json_types import JsonObject
from runs.live.rendering import fragments
from runs.live.rendering.call_lanes import CallLane
from runs.live.rendering.labels import status_label
from runs.live.rendering.stage_views import StageView, face_of_step
from runs.live.rendering.step_views import step_view
from runs.live.rendering.tree_views import TreeNode, TreeView
from runs.models import Run, Step
from runs.web.similar_failures import SimilarFailures
from runs.web.styleguide import sample_rows as rows
from runs.web.styleguide.samples import Sample, SampleGroup, made, sample
from runs.web.thread_page import ThreadPlace

_PROOF: Final[JsonObject] = {
    "asked_by": "ada",
    "asked_at": "2026-11-29T09:00:00+00:00",
    "stopped_at": "2026-11-29T09:00:00.138000+00:00",
    "took_s": 0.138,
    "forced_by": None,
    "keeps_words": True,
    "stopped": [
        {"call_id": str(rows.call_id(1)), "tool_name": "run_tests", "outcome": "no_effect", "ran_s": 0.138},
        {"call_id": str(rows.call_id(2)), "tool_name": "transfer_money", "outcome": "unknown", "ran_s": 2.1},
    ],
    "finished": [{"call_id": str(rows.call_id(3)), "tool_name": "stock_level", "state": "succeeded"}],
    "reply": "none",
    "tokens_after": 0,
    "cost_after": "0",
    "cost_is_known": True,
}
_RETRY: Final[JsonObject] = {"code": "model_overloaded", "status": 503, "wait_s": 8.0, "next_at": 0.0}


def groups() -> list[SampleGroup]:
    """The samples, component by component."""
    return [
        SampleGroup("pills", "Status pills", list(_pills())),
        SampleGroup("severities", "Severity badges", [_badge(each) for each in Run.Severity.values]),
        SampleGroup("connection", "Connection pill", _connections()),
        SampleGroup("run-bar", "Run bar", _bars()),
        SampleGroup("stage", "Stage", [*map(_stage, _faces()), _similar_failures()]),
        SampleGroup("steps", "Turns, calls and attempts", _steps()),
    ]


def _similar_failures() -> Sample:
    similar = SimilarFailures(11, "status=failed&error=model_auth&when=7d")
    return sample("Others that failed the same way", "runs/partials/similar_failures", {"similar": similar}, wide=True)


def _pills() -> Iterator[Sample]:
    asked: JsonObject = {"pause_requested_at": timezone.now(), "owner": "a-host"}
    states: list[tuple[str, JsonObject]] = [
        *((status, {}) for status in Run.Status.values if status != Run.Status.WAITING),
        *(("waiting", {"waiting_for": each}) for each in Run.WaitingFor.values),
        ("thinking", asked),
        ("executing", {"cancel_requested_at": timezone.now()}),
        ("completed", {"could_not": True}),
    ]
    for status, fields in states:
        run = rows.run(status, **fields)
        yield sample(status_label(run).words, "runs/partials/status_pill", {"run": run})


def _badge(severity: str) -> Sample:
    return sample(severity, "runs/partials/severity_badge", {"severity": severity})


def _connections() -> list[Sample]:
    states = {
        "live": "Live",
        "catching-up": "Catching up, 214 steps",
        "checking": "Checking…",
        "offline": "Offline since 12:03",
    }
    real = sample("", "runs/partials/connection", {"run": rows.run("thinking")}).html
    found = []
    for state, words in states.items():
        html = real.replace('data-connection="offline"', f'data-connection="{state}"')
        found.append(made(words, [html.replace(">Not live<", f">{words}<")]))
    return found


def _tree() -> TreeView:
    states: list[tuple[str, JsonObject, int, str]] = [
        ("waiting", {"waiting_for": "child"}, 1, "Order clerk"),
        ("completed", {}, 2, "Researcher"),
        ("thinking", {}, 2, "A writer with a name as long as the names of some agents"),
        ("waiting", {"waiting_for": "answer"}, 3, "Helper"),
    ]
    nodes = [
        TreeNode(rows.run(status, **more, id=UUID(int=70 + n)), level, agent, "$0.0077", is_here=n == 1)
        for n, (status, more, level, agent) in enumerate(states)
    ]
    figures: JsonObject = {"ended": 1, "asking": 1, "cost": "at least $0.0308", "tokens": "7,368"}
    return TreeView(nodes=nodes, above=[], root_id=rows.RUN_ID, count=6, **figures)


def _bars() -> list[Sample]:
    shown = {
        "At work": rows.run("thinking", active_ms=540_000),
        "Stop asked": rows.run("executing", cancel_requested_at=timezone.now(), owner="a-host"),
        "Ended": rows.run("completed"),
    }
    bars = [
        made(title, [fragments.run_state_html(run)], wide=True, tag="div", class_="run-bar")
        for title, run in shown.items()
    ]
    long = {"run": rows.run(task=f"{rows.TASK}. " * 8), "long_task": True, "show_owner": True}
    place = ThreadPlace(f"/threads/{rows.RUN_ID}/", "What is 17 × 23?", 2, 3, None, None)
    head: JsonObject = {"run": rows.run(), "show_owner": True, "place": place}
    about = {"totals": fragments.run_totals(rows.run())}
    return [
        *bars,
        sample("Tree", "runs/partials/run_tree", {"tree": _tree(), "run_id": rows.RUN_ID}, wide=True),
        sample("Head", "runs/partials/run_head", head | about, wide=True),
        sample("Head of a long task", "runs/partials/run_head", long | about, wide=True),
        sample("Head of a draft", "runs/partials/run_head", head | about | {"run": rows.run(draft_base=3)}, wide=True),
    ]


def _stage(face: tuple[str, StageView, JsonObject]) -> Sample:
    title, view, more = face
    context = {"stage": view, "run_id": rows.RUN_ID} | more
    return sample(title, "runs/partials/stage", context, wide=True, tag="div", class_="stage card")


def _faces() -> list[tuple[str, StageView, JsonObject]]:
    now = timezone.now()
    now_ms = round(now.timestamp() * 1000)
    lanes = [
        CallLane("stock_level", "succeeded", "0.1 ms"),
        CallLane("delivery_forecast", "started", "Running", now_ms - 2400, 30_000, "30 s"),
        CallLane("price_with_tax", "failed", "failed 1.2 s"),
    ]
    asked, unclear = rows.question(1, 5), rows.question(2, 6, asks="outcome", tool_name="transfer_money")
    return [
        (
            "Queued",
            StageView(face="queued", title="Queued"),
            {"queued_for": "Waits for a place: 3 runs at work at once."},
        ),
        ("Thinking", StageView(face="thinking", title="clerk-large", since=now), {}),
        ("Tools", StageView(face="tools", title="3 tools at once", sub="1 of 3 done", lanes=lanes, more=4), {}),
        ("Retry", _face_of(_retry(4, time.time() + 3600)), {}),
        ("Race", _face_of(_race_start(32)), {}),
        ("Approval", StageView(face="ask", title="Needs your approval", questions=[_asked(asked)], more=1), {}),
        ("Outcome unknown", StageView(face="ask", title="Outcome unknown", questions=[_asked(unclear)]), {}),
        ("Questions", StageView(face="ask", title="3 questions for you", questions=_questions()), {}),
        ("Paused", StageView(face="paused", title="Paused", sub="It goes on from here when you resume it."), {}),
        (
            "Stop asked",
            StageView(face="stopping", title="Stopping…", since=now, lanes=lanes[1:2]),
            {"force_ms": now_ms, "can_force": True},
        ),
        ("Stopped", _face_of(rows.step("note", 9, "Stopped.", metadata={"note": "cancelled", "proof": _PROOF})), {}),
        ("Failed", _face_of(_error(10)), {}),
        ("Could not do it", _face_of(_answer("I could not do “Plan a trip”.", could_not=True)), {}),
        ("Answer", _face_of(_answer("The article is **in stock**, and 5 pieces are reserved.")), {}),
        (
            "Answer as a table",
            _face_of(_answer("[]", output=[{"city": "Ghent", "km": 56}, {"city": "Namur", "km": 63}])),
            {},
        ),
        ("Answer as JSON", _face_of(_answer('{"city": {"name": "Ghent"}}', output={"city": {"name": "Ghent"}})), {}),
    ]


def _questions() -> list[tuple[Step, Any]]:
    """A question of each kind."""
    choices = ["By train", "By car", "Not at all"]
    fields = {"city": {"type": "string", "description": "As on a map."}, "nights": {"type": "integer"}}
    asked = [
        rows.asked(3, 16, text="What is the customer's reference?"),
        rows.asked(4, 17, text="How shall it be sent?", kind="choice", choices=choices),
        rows.asked(5, 18, text="Where to?", kind="form", form={"type": "object", "properties": fields}),
    ]
    return [_asked(each) for each in asked]


def _asked(step: Step) -> tuple[Step, Any]:
    view = step_view(step)
    view.add_arguments(step)
    return step, view


def _face_of(step: Step) -> StageView:
    return face_of_step(step, step_view(step)) or StageView()


def _answer(text: str, **told: Any) -> Step:
    return rows.model_step("answer", 14, text, metadata=told)


def _retry(sequence: int, next_at: float | None, **fields: Any) -> Step:
    about: JsonObject = {"attempt": 2, "max_attempts": 5, "severity": "warning", "recoverable": True}
    words = "local answered 503: the server is busy"
    metadata = _RETRY | {"next_at": next_at}
    return rows.model_step("retry", sequence, words, metadata=metadata, **(about | fields))


def _error(sequence: int) -> Step:
    told = {"code": "model_auth", "context": {"provider": "keyless", "model": "m1", "status": 401}}
    action = "Check the key of keyless."
    words = "keyless answered 401: invalid x-api-key"
    return rows.step("error", sequence, words, metadata=told, severity="critical", suggested_action=action)


def _steps() -> list[Sample]:
    return [
        *(_timeline(title, *steps) for title, steps in {**_calls(), **_decisions(), **_replies()}.items()),
        sample("A reply in the making", "runs/partials/reply_card", wide=True),
        sample("A discarded reply", "runs/partials/voided_reply", wide=True),
        sample("A decision", "runs/partials/decided", {"place": "decided"}, wide=True),
    ]


def _timeline(title: str, *steps: Step) -> Sample:
    return made(title, [fragments.timeline_html(steps)], wide=True, tag="div", class_="steps")


def _calls() -> dict[str, list[Step]]:
    said = "Stock and weather do not depend on each other.\n\nSo I ask for both."
    failed: JsonObject = {"severity": "error", "code": "tool_timeout", "content": "flaky timed out after 3 s"}
    unknown: JsonObject = {"severity": "error", "code": "outcome_unknown", "content": "No result after 3 s."}
    action = "A person has to say whether it happened."
    return {
        "A turn with parallel calls": [
            rows.model_step("reasoning", 1, said),
            *rows.call_steps(1, 2, "stock_level", {"article": "A-100"}, content="12", tool_output=12),
            *rows.call_steps(2, 4, "delivery_forecast", {"city": "Ghent", "days": 3}, content="Wed cloudy", calls=True),
        ],
        "A call at work": rows.call_steps(3, 6, "run_tests", {"path": "tests"}),
        "A call of another agent": [
            *rows.call_steps(7, 20, "call_agent", {"agent": "Researcher", "task": "Find three sources."}),
            rows.step(
                "note",
                21,
                "call_agent launched a run of Researcher.",
                call_id=rows.call_id(7),
                metadata={"note": "child", "child_id": str(UUID(int=71)), "agent": "Researcher"},
            ),
        ],
        "A failed call": rows.call_steps(4, 7, "flaky", {"try": 1}, **failed),
        "A call whose outcome is unknown": rows.call_steps(
            5, 9, "transfer_money", {"to": "BE71"}, effect="unsafe", suggested_action=action, **unknown
        ),
    }


def _decisions() -> dict[str, list[Step]]:
    denied = {"decision": "denied", "by": "ada", "reason": "Ask the customer first."}
    change = {"name": "copies", "before": 1, "after": 3}
    changed = {"decision": "approved", "by": "ada", "reason": "", "changes": [change]}
    asked: JsonObject = {"tool_name": "send_invoice", "call_id": rows.call_id(8)}
    order = {"order": "2026-1187"}
    return {
        "A question": [*rows.call_steps(1, 11, "send_invoice", order, effect="unsafe"), rows.question(1, 12)],
        "Denied": [
            *rows.call_steps(8, 13, "send_invoice", order),
            rows.step("approval", 14, metadata=denied, **asked),
        ],
        "Approved with changes": [rows.step("approval", 15, metadata=changed, tool_input={"copies": 3}, **asked)],
    }


def _replies() -> dict[str, list[Step]]:
    lanes = [_lane(1, "won", 0.0, 0.95, 2.3), _lane(2, "lost", 0.0, 1.6, 2.3), _lane(3, "failed", 0.0, None, 1.1)]
    race: JsonObject = {"strategy": "race", "lanes": lanes, "multiple": 3.0, "cards": []}
    unfinished: JsonObject = {"note": "unfinished", "partial": True, "answer": "The tide", "reasoning": ""}
    stopped = unfinished | {"why": "stopped", "goes_on": False}
    notes = (("pause_asked", "Pausing after this reply…"), ("resumed", "Resumed by ada."))
    return {
        "Attempts": [_retry(16, time.time() + 3600), _retry(17, None, attempt=5)],
        "A race that goes on": [_race_start(31)],
        "A race": [rows.model_step("race", 18, "local/m1 won (3 raced)", metadata=race)],
        "An unfinished reply": [rows.model_step("note", 19, "The tide", metadata=stopped)],
        "A message, and the answer before it": [
            rows.model_step(
                "note", 40, "It is **391**.", metadata={"note": "so_far", "answer": "It is **391**."}, turn=31
            ),
            rows.step("message", 41, "And half of that?", metadata=_SENT, turn=32),
        ],
        "Notes": [
            rows.step("note", 20 + place, words, turn=None, metadata={"note": note, "by": "ada"})
            for place, (note, words) in enumerate(notes)
        ],
        "An error": [_error(30)],
        "An answer among the steps": [_answer("It is 391.")],
    }


_SENT: JsonObject = {"message_id": str(UUID(int=72)), "by": "ada", "sent_at": 1_796_030_000.0, "interrupts": True}


def _race_start(sequence: int) -> Step:
    begin = time.time()
    asked = [{"lane": n, "provider": "local", "model": f"m{n}", "started_at": begin} for n in (1, 2, 3)]
    told = {"strategy": "race", "asked": asked}
    return rows.model_step("race", sequence, "Asks 3 models at once.", metadata=told, attempt=1)


def _lane(number: int, outcome: str, started: float, first: float | None, ended: float) -> JsonObject:
    begin = time.time() - 60
    return {
        "lane": number, "provider": "local", "model": f"m{number}", "started_at": begin + started,
        "first_token_at": None if first is None else begin + first, "ended_at": begin + ended, "outcome": outcome,
        "tokens": 55, "cost": "0.0006", "error_code": "model_server" if outcome == "failed" else None,
    }  # fmt: skip
