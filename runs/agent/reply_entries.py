"""The journal's entries about a reply: proposed calls, an answer, an answer that does not fit."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from runs.agent.errors.exceptions import BadOutput
from runs.agent.incomplete_replies import answer_payload, parts_of
from runs.agent.journal import Entry
from runs.agent.messages import ModelReply
from runs.agent.model_calls.attempt import ReceivedReply
from runs.agent.payloads.absent import ABSENT
from runs.agent.payloads.notes import BadOutputPayload, SoFarPayload
from runs.agent.payloads.step_fields import StepFields
from runs.agent.payloads.steps import ReasoningPayload, ToolCallPayload
from runs.agent.state import AgentStatus
from runs.agent.step_sentences import ASKED_AGAIN, LAST_ANSWER
from runs.agent.structured_output import MAX_REASKS, says_not_done
from runs.agent.thoughts import AgentThought, ThoughtType
from runs.agent.usage import Usage


def fields_of(asked: ReceivedReply, *, turn: int) -> StepFields:
    """The fields of the thoughts about a reply."""
    return StepFields(
        turn=turn,
        provider=asked.provider.name,
        model=asked.provider.model,
        tokens=asked.reply.usage.total_tokens,
        cost=asked.reply.usage.cost_usd,
        started_at=asked.started_at,
        ended_at=asked.ended_at,
    )


def proposal(reply: ModelReply, about: StepFields, remarks: Sequence[AgentThought]) -> Entry:
    """The entry of a reply with tool calls, without the calls."""
    # Text beside calls is reasoning; only a reply without calls is the answer.
    said = "\n\n".join(part for part in (reply.reasoning, reply.text) if part.strip())
    payload = ReasoningPayload(tokens_are_estimated=reply.usage.is_estimated, token_parts=parts_of(reply.usage))
    return Entry(replay=reply.replay, thoughts=[*_reasoning(said, about, payload), *remarks])


def add_usage(entry: Entry, about: StepFields, usage: Usage) -> None:
    """Add the reply's usage to the first thought of its calls, unless its reasoning has it."""
    first = entry.thoughts[0]
    if first.type is ThoughtType.REASONING:
        return
    first.fields |= StepFields(provider=about.provider, model=about.model, tokens=about.tokens, cost=about.cost)
    if isinstance(first.payload, ToolCallPayload):
        first.payload = replace(first.payload, token_parts=parts_of(usage))


def answer(reply: ModelReply, about: StepFields, text: str, data: Any, remarks: Sequence[AgentThought]) -> Entry:
    """The entry of an answer, which completes the run. `data`: the structured output, or `ABSENT`."""
    could_not = reply.could_not or says_not_done(data)
    entry = Entry(replay=reply.replay, status=AgentStatus.COMPLETED, could_not=could_not)
    if data is not ABSENT:
        entry.output = data
        text = json.dumps(data, ensure_ascii=False, indent=2)
    # Only the last thought of a reply has its tokens, so that they are counted once.
    entry.thoughts = [
        *_reasoning(
            reply.reasoning,
            about._replace(tokens=None, cost=None),
            ReasoningPayload(tokens_are_estimated=reply.usage.is_estimated, output=data),
        ),
        *remarks,
        AgentThought(ThoughtType.ANSWER, text, payload=answer_payload(reply, data, could_not=could_not), fields=about),
    ]
    return entry


def so_far(reply: ModelReply, about: StepFields, answer: Entry) -> Entry:
    """The entry that keeps the answer of the entry `answer` as a turn after which the run goes on."""
    *others, last = answer.thoughts
    payload = SoFarPayload(
        answer=reply.text, tokens_are_estimated=reply.usage.is_estimated, token_parts=parts_of(reply.usage)
    )
    note = AgentThought(ThoughtType.NOTE, last.content, payload=payload, fields=about)
    return Entry(replay=reply.replay, thoughts=[*others, note], status=AgentStatus.THINKING)


def rejection(reply: ModelReply, about: StepFields, bad: BadOutput, rejected: int) -> Entry:
    """The entry of an answer that does not match the output schema, the `rejected`th of the run."""
    again = ASKED_AGAIN.made(n=rejected, most=MAX_REASKS) if rejected <= MAX_REASKS else LAST_ANSWER.made()
    payload = BadOutputPayload(
        tokens_are_estimated=reply.usage.is_estimated, faults=tuple(bad.faults), answer=reply.text
    )
    note = AgentThought(ThoughtType.NOTE, f"{bad}\n{again}", payload=payload, fields=about)
    return Entry(replay=reply.replay, thoughts=[note])


def _reasoning(text: str, about: StepFields, payload: ReasoningPayload) -> list[AgentThought]:
    return [AgentThought(ThoughtType.REASONING, text, payload=payload, fields=about)] if text.strip() else []
