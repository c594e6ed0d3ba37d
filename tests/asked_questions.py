"""Questions that wait for an answer, made without a host."""

from typing import Any

from django.utils import timezone

from runs.agent.call_ids import call_id, question_id
from runs.agent.payloads.json_form import as_json
from runs.agent.payloads.steps import QuestionPart, QuestionPayload
from runs.agent.tools.person_questions import PersonQuestion
from runs.engine.recording.canonical_json import arguments_hash
from runs.models import Question, Run, Step, ToolCall
from runs.models.question import question_columns


def asked_question(run: Run, question: PersonQuestion, *, index: int = 0, **fields: Any) -> Question:
    """A question of a call of the run, which waits for it from now on. `fields` are those of its row."""
    arguments = {"question": question.text}
    call = ToolCall.objects.create(
        call_id=call_id(run.pk, 1, index),
        run=run,
        turn=1,
        index=index,
        tool_name="ask_person",
        arguments=arguments,
        arguments_hash=arguments_hash(arguments),
        effect=ToolCall.Effect.PURE,
        state=ToolCall.State.AWAITING_ANSWER,
        epoch=run.epoch,
    )
    asked = Question.objects.create(
        id=question_id(str(call.pk), 1),
        call=call,
        round=1,
        asked_at=timezone.now(),
        **question_columns(question) | fields,
    )
    _add_step(run, asked)
    run.status, run.waiting_for, run.owner, run.lease_until = "waiting", "answer", None, None
    run.save()
    return asked


def _add_step(run: Run, asked: Question) -> None:
    part = QuestionPart(
        id=str(asked.pk), round=1, kind=asked.kind, text=asked.text, choices=tuple(asked.choices), form=asked.schema
    )
    expires_at = None if asked.expires_at is None else asked.expires_at.timestamp()
    payload = QuestionPayload(asks="answer", effect="pure", expires_at=expires_at, question=part)
    Step.objects.create(
        run=run,
        sequence=run.next_sequence,
        turn=1,
        kind=Step.Kind.APPROVAL,
        content=f"Asks a person: {asked.text}",
        tool_name=asked.call.tool_name,
        call_id=asked.call_id,
        epoch=run.epoch,
        metadata=as_json(payload),
        ended_at=timezone.now(),
    )
    run.next_sequence += 1
