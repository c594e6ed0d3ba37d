"""The form for the answer to a question."""

import json
from typing import Any, Final

from runs.agent.json_data.json_types import JsonMapping
from runs.agent.payloads.steps import QuestionPart
from runs.agent.tools.person_questions import MAX_ANSWER_CHARS
from runs.agent.tools.sign_in_question import SIGN_IN_CHOICES
from runs.agent.visible_text import exact
from runs.live.rendering.schema_form import SchemaForm
from runs.models import Question
from runs.models.question import answer_schema_of

MOST_BUTTONS: Final = 6
"""A choice of more answers is a list to open."""
MOST_BUTTON_CHARS: Final = 400
"""Characters of all answers together that buttons have room for."""


class AnswerForm(SchemaForm):
    """The fields of an answer: one for a text or a choice, or those of the form that was asked for."""

    def __init__(
        self,
        question_id: object,
        *,
        kind: str,
        choices: list[str],
        schema: Any,
        data: JsonMapping | None = None,
        form_id: str = "",
    ) -> None:
        """`data` None shows an empty form. `form_id` is the form of the page that its fields belong to, if they are not
        inside of one."""
        self.kind, self.choices = kind, list(choices)
        whole = schema if kind == Question.Kind.FORM and isinstance(schema, dict) else answer_schema_of(kind, choices)
        super().__init__(
            whole,
            {},
            data,
            prefix=f"answer-{question_id}",
            has_long_texts=kind == Question.Kind.TEXT,
            is_new=True,
            has_titles=kind == Question.Kind.FORM,
        )
        # A required field would keep the other buttons of a form from sending it.
        self.use_required_attribute = not form_id
        for field in self.fields.values():
            field.widget.attrs |= {"form": form_id} if form_id else {}
        if kind == Question.Kind.TEXT:
            attributes = {"dir": "auto", "maxlength": str(MAX_ANSWER_CHARS)} | ({} if form_id else {"required": True})
            self.fields["answer"].widget.attrs |= attributes

    @classmethod
    def of_row(cls, question: Question, data: JsonMapping | None = None) -> "AnswerForm":
        """The form of a question's row."""
        return cls(question.pk, kind=question.kind, choices=question.choices, schema=question.schema, data=data)

    @classmethod
    def of_step(cls, asked: QuestionPart, *, form_id: str) -> "AnswerForm":
        """The form of the question in a step."""
        return cls(asked.id, kind=asked.kind, choices=list(asked.choices), schema=asked.form, form_id=form_id)

    @property
    def buttons(self) -> list[tuple[str, str]]:
        """For a choice of few answers the value and the words of a button for each; else empty."""
        is_short = len(self.choices) <= MOST_BUTTONS and sum(map(len, self.choices)) <= MOST_BUTTON_CHARS
        if self.kind != Question.Kind.CHOICE or not is_short:
            return []
        return [(json.dumps(choice), exact(choice)) for choice in self.choices]

    @property
    def asks_to_sign_in(self) -> bool:
        """True if the question reads as that of a call that waits for a sign-in: its page then leads there."""
        return tuple(self.choices) == SIGN_IN_CHOICES

    @property
    def button_name(self) -> str:
        """The name of the buttons."""
        return self.add_prefix("answer")

    def given_answer(self) -> Any:
        """The answer in a valid form. It may still not fit the question."""
        given = self.arguments()
        return given if self.kind == Question.Kind.FORM else given.get("answer", "")
