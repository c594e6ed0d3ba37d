"""What a server asks a person in the middle of a call, as questions of the run, and their answers for the server."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import mcp_types as types

from runs.agent.errors.exceptions import ToolFailed
from runs.agent.json_data.json_types import JsonObject
from runs.agent.output_text import readable
from runs.agent.tools.person_questions import MAX_QUESTION_CHARS, GivenAnswer, PersonAsked, PersonQuestion
from runs.engine.sealed_text import seal, unseal

YES, NO = "Yes", "No"
DONE, NOT_DONE = "Done", "Not done"
_MOST_ASKED: Final = 10
"""Questions of one answer of a server."""


@dataclass(frozen=True, slots=True)
class ResumedCall:
    """A call that goes on with answers."""

    request_state: str | None
    """What the server gave along with its questions, unchanged."""
    responses: Mapping[str, types.ElicitResult]
    """By the server's keys."""
    waiting: str = ""
    """The id of the call that waits in a session of the older era; empty in the newer one, where none waits."""


def ask_for_input(server: str, required: types.InputRequiredResult) -> PersonAsked:
    """The first question of what a server requires. Raises `ToolFailed` for what this site does not answer."""
    asked = required.input_requests or {}
    if len(asked) > _MOST_ASKED:
        raise ToolFailed(f"{server} asks {len(asked)} questions at once, more than {_MOST_ASKED}.")
    requests = []
    for key, request in asked.items():
        if not isinstance(request, types.ElicitRequest):
            raise ToolFailed(f"{server} asks for something that this site does not give: {request.method}.")
        requests.append([key, _params(request.params)])
    state: JsonObject = {
        "state": None if required.request_state is None else seal(required.request_state),
        "requests": requests,
        "responses": {},
    }
    return _ask(server, state)


def ask_while_it_waits(server: str, params: types.ElicitRequestParams, waiting: str) -> PersonAsked:
    """The question of a server of the older era, whose call waits in its session under the id `waiting`."""
    return _ask(server, {"state": None, "requests": [["", _params(params)]], "responses": {}, "waiting": waiting})


def resumed_with(server: str, answers: Sequence[GivenAnswer]) -> ResumedCall | None:
    """What a call goes on with; None for one that begins. Raises `PersonAsked` with the next question, and
    `SealUnreadable` if the secret key of the site has changed meanwhile."""
    if not answers:
        return None
    state: JsonObject = answers[-1].resume_state
    requests, responses = state["requests"], dict(state["responses"])
    key, params = requests[len(responses)]
    responses[key] = _response(params, answers[-1].answer)
    if len(responses) < len(requests):
        raise _ask(server, {**state, "responses": responses})
    sealed = state["state"]
    made = {key: types.ElicitResult.model_validate(each) for key, each in responses.items()}
    return ResumedCall(None if sealed is None else unseal(sealed), made, state.get("waiting", ""))


def _params(params: types.ElicitRequestParams) -> JsonObject:
    kept = {"message", "url"} if isinstance(params, types.ElicitRequestURLParams) else {"message", "requested_schema"}
    return params.model_dump(mode="json", include=kept)


def _ask(server: str, state: JsonObject) -> PersonAsked:
    _, params = state["requests"][len(state["responses"])]
    message = readable(str(params["message"])).strip() or "(no text)"
    text = f"{server} asks: {message}"[:MAX_QUESTION_CHARS]
    if "url" in params:
        address = readable(str(params["url"]))
        text = f"{text[: MAX_QUESTION_CHARS - len(address) - 2]}\n\n{address}"
        return PersonAsked(PersonQuestion(text=text, choices=(DONE, NOT_DONE)), state)
    if not params["requested_schema"].get("properties"):
        return PersonAsked(PersonQuestion(text=text, choices=(YES, NO)), state)
    return PersonAsked(PersonQuestion(text=text, form=_form(params["requested_schema"])), state)


def _form(schema: JsonObject) -> JsonObject:
    return {"type": "object", **{key: each for key, each in schema.items() if key in ("properties", "required")}}


def _response(params: JsonObject, answer: Any) -> JsonObject:
    if isinstance(answer, dict):
        return {"action": "accept", "content": answer}
    if answer in (NO, NOT_DONE):
        return {"action": "decline"}
    return {"action": "accept"} if "url" in params else {"action": "accept", "content": {}}
