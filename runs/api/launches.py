"""Launching through the API: validation of the request, and idempotency keys."""

from collections.abc import Callable
from hashlib import sha256
from typing import TypeVar

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse

from runs.agent.all_settings import LAUNCHED, public_name
from runs.agent.json_data.json_types import JsonObject
from runs.agent.json_data.json_values import check_storable_text
from runs.agent.model_settings import setting_fault
from runs.agent.providers.model_catalog.catalog import model_fault
from runs.agent.task_templates.values import InputsRefused
from runs.agent.tools.registry import registered_tools
from runs.api.auth import Caller, caller_of, check_scope, run_told_to
from runs.api.errors import ApiError, invalid, too_large, too_many
from runs.api.request_schemas import Overrides
from runs.api.serializers import answer
from runs.engine import control
from runs.engine.control import OverrideRefused
from runs.engine.files.storage import DocumentRefused
from runs.engine.limits.daily_budget import DailyLimitReached
from runs.engine.limits.launch_rate import TooManyLaunches
from runs.engine.stored_tools.catalog import refresh_tools
from runs.engine.task_templates.listing import template_named
from runs.models import Agent, ApiToken, Run, TaskTemplate
from runs.models.bounds import MAX_TASK_BYTES

T = TypeVar("T")

LONGEST_KEY = 255
REPLAYED = "Idempotent-Replayed"
"""The header of a response that repeats an earlier launch."""


def answer_launch(request: HttpRequest, launch: Callable[[], Run]) -> HttpResponse:
    """Launch once per `Idempotency-Key`: 201, or 200 with the run launched before."""
    key = idempotency_key(request)
    if key is None:
        run, is_new = map_launch_errors(launch), True
    else:
        run, is_new = launch_once(caller_of(request).user, key, body_hash_of(request), launch)
    body = run_told_to(caller_of(request), run)
    headers = {"Location": f"/api/v1/runs/{run.pk}"}
    return answer(body, 201 if is_new else 200, **headers, **({} if is_new else {REPLAYED: "true"}))


def launch_once(user: User, key: str, body_hash: str, launch: Callable[[], Run]) -> tuple[Run, bool]:
    """The run of this key, and whether it was launched now.

    Raises `ApiError` 409 if the key was used with another body, and what `map_launch_errors` raises.
    """
    try:
        return control.launch_once(user, key, body_hash, lambda: map_launch_errors(launch))
    except control.KeyReused as reused:
        raise ApiError(
            409,
            "idempotency_key_reused",
            "This Idempotency-Key was sent before with another body. Nothing was launched.",
            recoverable=True,
            action="Send a new key with a new launch, the same key only with the same body.",
        ) from reused


def map_launch_errors(start: Callable[[], T]) -> T:
    """What `start` returns, which launches or resumes a run. Its refusals become `ApiError` 422 or 429."""
    try:
        return start()
    except InputsRefused as refused:
        fields = {f"inputs.{name}": str(words) for name, words in refused.errors.items()}
        raise invalid(str(refused), fields=fields) from refused
    except OverrideRefused as refused:
        raise invalid(f"overrides.{public_name(refused.name)}: {refused}") from refused
    except control.AgentRefused as refused:
        raise invalid(f"agent: {refused}") from refused
    except TooManyLaunches as refused:
        raise too_many(str(refused), refused.retry_after_s) from refused
    except DocumentRefused as refused:
        raise invalid(f"files: {refused}") from refused
    except DailyLimitReached as refused:
        raise ApiError(
            429, "daily_limit_reached", str(refused), action="Send it again after midnight UTC."
        ) from refused
    except Agent.DoesNotExist as missing:
        raise invalid("agent: There is no default agent. Name one; GET /api/v1/agents lists them.") from missing


def body_hash_of(request: HttpRequest) -> str:
    """SHA-256 of path and body, to which a key is bound."""
    return sha256(request.path.encode() + b"\n" + request.body).hexdigest()


def check_task(task: str, *, name: str = "task") -> str:
    """The task, sent as the field `name`. Raises `ApiError` 413 if it is too long, 422 for an unusable one."""
    try:
        size = len(check_storable_text(task).encode())
    except ValueError as fault:
        raise invalid(f"{name}: {fault}.") from fault
    if size > MAX_TASK_BYTES:
        raise too_large(f"{name}: {size:,} bytes; at most {MAX_TASK_BYTES:,} are taken.")
    if not task.strip():
        raise invalid(f"{name}: It is empty; say what the agent should do.")
    return task


def find_agent(name: str | None) -> tuple[Agent | None, str]:
    """The agent of that name, and the version or label after an `@`; None without a name. Raises `ApiError` 422 for an
    unknown one."""
    if name is None:
        return None, ""
    try:
        return control.named_agent(name)
    except control.AgentRefused as refused:
        raise invalid(f"agent: {refused} GET /api/v1/agents lists them.") from refused


def version_of(named: str, *, version: int | None, label: str | None) -> str:
    """The version for `control.launch`: that of `agent: "Clerk@3"`, or one of the two fields. Raises `ApiError` 422
    for more than one of them."""
    told = [each for each in (named, None if version is None else str(version), label) if each]
    if len(told) > 1:
        raise invalid("version: Name one version or one label, not both.")
    return told[0] if told else ""


def find_template(named: int | str) -> tuple[TaskTemplate, str]:
    """The template of this id or `agent/name`, with its agent, and the version or label after an `@` of the agent.
    Raises `ApiError` 422 for an unknown one."""
    if isinstance(named, str):
        found = template_named(named)
    else:
        of_id = TaskTemplate.objects.select_related("agent").filter(pk=named).first()
        found = None if of_id is None else (of_id, "")
    if found is None:
        raise invalid(f"template: There is no template {named!r}. GET /api/v1/templates lists them.")
    return found


def overrides_of(asked: Overrides | None, caller: Caller) -> JsonObject | None:
    """The overrides for `control.launch`. Raises `ApiError` 422 for an unknown model or tool and an invalid setting,
    and 403 if a token without the scope `approve` relaxes the approval rule."""
    chosen = asked.chosen() if asked else {}
    if chosen.get("approval", "always") != "always":
        check_scope(caller, ApiToken.Scope.APPROVE)
    for name in chosen.get("models", ()):
        if fault := model_fault(name):
            raise invalid(f"overrides.models: {fault}")
    for setting in LAUNCHED:
        if setting.group != "limits" and (fault := setting_fault(setting, chosen.get(setting.name))):
            raise invalid(f"overrides.{setting.public}: It {fault}.")
    if chosen.get("tools"):
        refresh_tools()
    if unknown := sorted(set(chosen.get("tools", ())) - registered_tools().keys()):
        raise invalid(f"overrides.tools: There is no tool {unknown[0]!r}. GET /api/v1/tools lists them.")
    return chosen or None


def idempotency_key(request: HttpRequest) -> str | None:
    """The `Idempotency-Key` of the request; None without one. Raises `ApiError` 422 for an unusable one."""
    key = request.headers.get("Idempotency-Key")
    if key is None or (1 <= len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
        return key
    raise invalid(
        f"Idempotency-Key: Between 1 and {LONGEST_KEY} printable ASCII characters, not {len(key)} of any kind."
    )
