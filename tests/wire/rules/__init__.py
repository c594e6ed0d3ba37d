"""What today's providers refuse, in their own words. Each rule names its documentation or a report of it.

A rule is as strict as its provider, no stricter. Refusals of self-hosted servers only are a `Dialect`.
"""

import dataclasses
from collections.abc import Mapping, Sequence

from tests.wire.dialects import Dialect
from tests.wire.formats import Format
from tests.wire.formats.chat import ChatCompletions
from tests.wire.formats.gemini import Gemini
from tests.wire.formats.messages import Messages
from tests.wire.formats.responses import Responses
from tests.wire.http import Request
from tests.wire.outcomes import Answer, Status
from tests.wire.rules import chat, gemini, messages, responses
from tests.wire.rules.asked import Asked, Rule, Said
from tests.wire.rules.signatures import signed

_RULES: Mapping[type[Format], Sequence[Rule]] = {
    ChatCompletions: chat.RULES,
    Responses: responses.RULES,
    Messages: messages.RULES,
    Gemini: gemini.RULES,
}


class Rules:
    """The rules of all formats, and the replies so far: some rules compare a request with earlier replies."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.refusals: list[Status] = []
        self.stored: list[Request] = []
        self._said = Said()
        self._replies = 0

    def refusal(self, request: Request) -> Status | None:
        """The provider's refusal of the request; None if it accepts the request."""
        asked = self._asked(request)
        for rule in _RULES[type(request.format)]:
            if refusal := rule(asked):
                self.refusals.append(refusal)
                return refusal
        if isinstance(request.format, Responses) and request.body.get("store", True):
            self.stored.append(request)
        return None

    def finished(self, answer: Answer, request: Request) -> Answer:
        """The reply as the provider completes it: with its number, signatures, and a list of what was left out of the
        request.

        The reply is recorded, as the client may send it back.
        """
        self._replies += 1
        answer = signed(dataclasses.replace(answer, number=self._replies), request)
        asked = self._asked(request)
        if isinstance(request.format, Messages):
            answer = dataclasses.replace(answer, transformations=asked.said.thoughts.dropped(asked))
        self._said.remember(answer, asked)
        return answer

    def _asked(self, request: Request) -> Asked:
        return Asked(request, self.dialect, self._said)
