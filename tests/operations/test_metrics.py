"""The metrics for Prometheus."""

import asyncio
import time
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from prometheus_client.parser import text_string_to_metric_families

from runs.agent.payloads.step_fields import StepFields
from runs.agent.payloads.steps import (
    AnswerPayload,
    Lane,
    LaneOutcome,
    RacePayload,
    ReasoningPayload,
    RetryPayload,
    ToolResultPayload,
)
from runs.agent.providers.scripted import ScriptedModel, answers
from runs.agent.thoughts import AgentThought, ThoughtType
from runs.engine import control
from runs.engine.host_timings import HostTimings
from runs.engine.operations.metrics import REGISTRY
from runs.engine.recording.ended_attempts import ended_attempts
from runs.engine.writing.writes import Write
from tests.engine.conftest import ada, assistant, ended, host_for, launch, reached  # noqa: F401  (fixtures)
from tests.operations.asking import SOON_S, get, wait_for_statuses
from tests.visitor import Visitor

TOKEN = "prometheus-reads-with-this"


def value(name: str, **labels: str) -> float:
    """A metric of this process; 0 if never counted. Reads this one only: others query the database."""
    families = REGISTRY.restricted_registry([name]).collect()
    samples = [sample for family in families for sample in family.samples]
    return next((sample.value for sample in samples if (sample.name, sample.labels) == (name, labels)), 0.0)


def scrape(url: str) -> dict[tuple[str, tuple[str, ...]], float]:
    """All metrics of a server, by name and label values."""
    status, text = get(f"{url}/metrics", Authorization=f"Bearer {TOKEN}")
    assert status == 200
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(sample.name, tuple(sample.labels.values())): sample.value for sample in samples}


def scrape_until(url: str, figure: tuple[str, tuple[str, ...]], value: float) -> dict[Any, float]:
    """The metrics, once `figure` has the value and the loop's lag has been measured. Raises `TimeoutError`."""
    give_up_at = time.monotonic() + SOON_S
    while True:
        figures = scrape(url)
        if figures[figure] == value and figures["agentsite_event_loop_lag_seconds_count", ()] >= 1:
            return figures
        if time.monotonic() > give_up_at:
            raise TimeoutError(f"{figure} is {figures[figure]}")
        time.sleep(0.05)


def test_figures_are_for_whoever_has_the_token_and_without_a_token_there_are_none(start_site, live_site):
    url = start_site(AGENTSITE_METRICS_TOKEN=TOKEN).url

    answers = [
        get(f"{url}/metrics")[0],
        get(f"{url}/metrics", Authorization=f"Bearer {TOKEN[:-1]}")[0],
        get(f"{url}/metrics", Authorization=f"Basic {TOKEN}")[0],
        get(f"{url}/metrics", Authorization=f"Bearer {TOKEN}")[0],
    ]

    assert answers == [401, 401, 401, 200]
    assert get(f"{live_site.url}/metrics", Authorization="Bearer ")[0] == 404


def test_a_run_is_counted_in_every_figure_it_touches(start_site):
    site = start_site(AGENTSITE_METRICS_TOKEN=TOKEN)
    site.create_user("ada")
    with Visitor(site.url, session=site.session_of("ada")) as visitor:
        visitor.launch("What is 17 * 23?")
    wait_for_statuses(site, "completed")

    # The row is committed before the hosting ends and its metrics are counted.
    figures = scrape_until(site.url, ("agentsite_hosted_runs", ()), 0.0)

    assert figures["agentsite_runs", ("completed", "")] == 1
    assert figures["agentsite_runs", ("idle", "")] == 0
    assert figures["agentsite_steps_total", ("answer",)] == 1
    assert figures["agentsite_attempts_total", ("tool", "succeeded")] == 1
    assert figures["agentsite_attempts_total", ("model", "succeeded")] == 2
    assert figures["agentsite_claims_total", ("first",)] == 1
    assert figures["agentsite_queue_wait_seconds_count", ()] == 1
    assert figures["agentsite_writer_batch_writes_sum", ()] >= 3
    assert figures["agentsite_hosted_runs", ()] == 0
    assert figures["agentsite_event_loop_lag_seconds_count", ()] >= 1
    assert figures["agentsite_http_responses_total", ("2xx",)] >= 1
    assert figures["agentsite_open_sockets", ("run",)] == 0
    assert figures["process_resident_memory_bytes", ()] > 0


def lane(number: int, outcome: LaneOutcome) -> Lane:
    return Lane(
        lane=number,
        provider="a",
        model="m",
        started_at=1.0,
        first_token_at=None,
        ended_at=2.0,
        outcome=outcome,
        tokens=None,
        cost=None,
        error_code=None,
    )


WAIT = RetryPayload(code="overloaded", wait_s=1.0, next_at=2.0, waits_only=True)
RACE = RacePayload(strategy="race", lanes=(lane(1, "won"), lane(2, "lost"), lane(3, "failed")), multiple=3)


@pytest.mark.parametrize(
    ("kind", "payload", "fields", "counted"),
    [
        (ThoughtType.TOOL_RESULT, ToolResultPayload(), StepFields(), ("tool", "succeeded")),
        (
            ThoughtType.TOOL_RESULT,
            ToolResultPayload(code="outcome_unknown"),
            StepFields(severity="error"),
            ("tool", "unknown"),
        ),
        (ThoughtType.TOOL_RESULT, ToolResultPayload(), StepFields(severity="warning"), ("tool", "failed")),
        (ThoughtType.RETRY, replace(WAIT, waits_only=False), StepFields(tool_name="search"), ("tool", "failed")),
        (ThoughtType.RETRY, replace(WAIT, waits_only=False, card="1-1-1"), StepFields(), ("model", "failed")),
        (ThoughtType.RACE, RACE, StepFields(), ("model", "lost")),
        (ThoughtType.ANSWER, AnswerPayload(card="1-1-1"), StepFields(), ("model", "succeeded")),
    ],
)
def test_each_attempt_is_counted_once_by_the_step_that_tells_its_end(kind, payload, fields, counted):
    end = AgentThought(kind, "", payload=payload, fields=fields)
    wait = AgentThought(ThoughtType.RETRY, "", payload=WAIT)
    reasoning = AgentThought(ThoughtType.REASONING, "", payload=ReasoningPayload())

    assert ended_attempts([end, wait, reasoning]) == [counted]


@pytest.mark.parametrize("leave", [control.cancel, control.pause])
async def test_the_note_with_which_a_stopped_or_paused_run_is_let_go_is_counted(host_for, ada, leave):  # noqa: F811
    model = ScriptedModel(answers("Never."), pause=asyncio.Event())
    host = host_for(model, HostTimings(pause_grace_s=0, pause_look_every_s=0.01))
    run = await launch(ada)
    await reached(run, lambda row: row.owner is not None)
    before = value("agentsite_steps_total", kind="note")

    await sync_to_async(leave, thread_sensitive=False)(run.pk, by=ada)
    await reached(run, lambda row: row.owner is None)
    await host.services.writer.do(lambda: None)

    assert value("agentsite_steps_total", kind="note") == before + 1


async def test_a_fenced_write_is_counted_as_refused(host_for, ada):  # noqa: F811
    host = host_for(ScriptedModel(answers("Done.")))
    run = await ended(await launch(ada))
    before = value("agentsite_writes_refused_total", why="fenced")

    for run_id in (run.pk, uuid4()):
        host.services.writer.submit(Write(run_id=run_id, epoch=99))
    await host.services.writer.do(lambda: None)
    await host.services.writer.do(lambda: None)

    assert value("agentsite_writes_refused_total", why="fenced") == before + 2
