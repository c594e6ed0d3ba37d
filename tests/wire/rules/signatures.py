"""Signatures of hosted models: the model's thoughts in a form that only the model can read again."""

import base64
import dataclasses
import re

from tests.wire.formats.gemini import Gemini
from tests.wire.formats.messages import Messages
from tests.wire.formats.responses import Responses
from tests.wire.http import Request
from tests.wire.outcomes import Answer
from tests.wire.rules.openai_models import reasons

GEMINI_3 = re.compile(r"gemini-([3-9]|\d\d)")
"""Gemini 3 and later."""


def signed(answer: Answer, request: Request) -> Answer:
    """The reply with the signature its model would give, unless the reply has a signature set.

    Claude signs thoughts, Gemini 3 the first call of each reply, OpenAI's models encrypt their reasoning.
    """
    if answer.signature is not None:
        return answer
    match request.format:
        case Messages():
            signs = request.model.startswith("claude-") and bool(answer.reasoning)
        case Gemini():
            signs = bool(GEMINI_3.match(request.model)) and bool(answer.calls)
        case Responses():
            signs = reasons(request.model) and bool(answer.reasoning or answer.reasoning_tokens)
        case _:
            signs = False
    given = base64.b64encode(f"wire signature {answer.number}".encode()).decode()
    return dataclasses.replace(answer, signature=given if signs else "")
