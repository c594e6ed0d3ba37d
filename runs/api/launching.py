"""Launching through the API: what is asked, checked; and the same launch, sent twice, happening once."""

from collections.abc import Callable
from hashlib import sha256
from typing import Any, TypeVar

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse

from runs.agent.providers.catalog import model_fault
from runs.agent.tools.registry import registered_tools
from runs.api.answers import answer
from runs.api.auth import Caller, caller_of, check_scope
from runs.api.errors import ApiError, invalid, too_large, too_many
from runs.api.taken import Overrides
from runs.engine.control import OverrideRefused
from runs.engine.launch_limits import TooManyLaunches
from runs.engine.spending import DailyLimitReached
from runs.models import Agent, ApiToken, IdempotencyKey, Run
from runs.models.as_json import run_as_json
from runs.models.limits import MAX_TASK_BYTES
from runs.storable import storable

T = TypeVar("T")

LONGEST_KEY = 255
REPLAYED = "Idempotent-Replayed"
"""The header of an answer that repeats an earlier one."""


def answer_launch(request: HttpRequest, launch: Callable[[], Run]) -> HttpResponse:
    """Make the run that `launch` makes, once per `Idempotency-Key`: 201, or 200 with the run it made before."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        run, is_new = refusing(launch), True
    else:
        run, is_new = launch_once(caller_of(request).user, _checked(key), body_hash_of(request), launch)
    headers = {"Location": f"/api/v1/runs/{run.pk}"}
    return answer(run_as_json(run), 201 if is_new else 200, **headers, **({} if is_new else {REPLAYED: "true"}))


def launch_once(user: User, key: str, body_hash: str, launch: Callable[[], Run]) -> tuple[Run, bool]:
    """The run of this key, and whether it was made now. Key and run are one transaction.

    Raises `ApiError` 409 if the key was used for something else, and what `refusing` raises.
    """
    try:
        with transaction.atomic():
            if (earlier := _run_of(user, key, body_hash)) is not None:
                return earlier, False
            run = refusing(launch)
            IdempotencyKey.objects.create(user=user, key=key, body_hash=body_hash, run=run)
            return run, True
    except IntegrityError:
        # Somebody sent the same at the same time and was faster; what was made here is undone.
        earlier = _run_of(user, key, body_hash)
        if earlier is None:
            raise
        return earlier, False


def refusing(start: Callable[[], T]) -> T:
    """What `start` gives, which launches or resumes a run. Raises `ApiError` where it refuses: 422, 429."""
    try:
        return start()
    except OverrideRefused as refused:
        raise invalid(f"overrides.{refused.name}: {refused}") from refused
    except TooManyLaunches as refused:
        raise too_many(str(refused), refused.retry_after_s) from refused
    except DailyLimitReached as refused:
        raise ApiError(
            429, "daily_limit_reached", str(refused), action="Send it again after midnight UTC."
        ) from refused
    except Agent.DoesNotExist as missing:
        raise invalid("agent: There is no default agent. Name one; GET /api/v1/agents lists them.") from missing


def body_hash_of(request: HttpRequest) -> str:
    """What a key is bound to: the address and the body."""
    return sha256(request.path.encode() + b"\n" + request.body).hexdigest()


def check_task(task: str, *, name: str = "task") -> str:
    """The task, sent as the field `name`. Raises `ApiError` 413 if it is too long, 422 for an unusable one."""
    try:
        size = len(storable(task).encode())
    except ValueError as fault:
        raise invalid(f"{name}: {fault}.") from fault
    if size > MAX_TASK_BYTES:
        raise too_large(f"{name}: {size:,} bytes; at most {MAX_TASK_BYTES:,} are taken.")
    if not task.strip():
        raise invalid(f"{name}: It is empty; say what the agent should do.")
    return task


def find_agent(name: str | None) -> Agent | None:
    """The agent of that name, None for no name. Raises `ApiError` 422."""
    if name is None:
        return None
    agent = Agent.objects.filter(name=name).first()
    if agent is None:
        raise invalid(f"agent: There is no agent {name!r}. GET /api/v1/agents lists them.")
    return agent


def overrides_of(asked: Overrides | None, caller: Caller) -> dict[str, Any] | None:
    """As `control.launch` takes them. Raises `ApiError` 422 for a model or a tool that is not there, and 403 if a token
    that may not approve calls would say that nobody has to."""
    chosen = asked.chosen() if asked else {}
    if chosen.get("approval", "always") != "always":
        check_scope(caller, ApiToken.Scope.APPROVE)
    for name in chosen.get("models", ()):
        if fault := model_fault(name):
            raise invalid(f"overrides.models: {fault}")
    if unknown := sorted(set(chosen.get("tools", ())) - registered_tools().keys()):
        raise invalid(f"overrides.tools: There is no tool {unknown[0]!r}. GET /api/v1/tools lists them.")
    return chosen or None


def _run_of(user: User, key: str, body_hash: str) -> Run | None:
    used = IdempotencyKey.objects.select_related("run").filter(user=user, key=key).first()
    if used is not None and used.body_hash != body_hash:
        raise ApiError(
            409,
            "idempotency_key_reused",
            "This Idempotency-Key was sent before with another body. Nothing was launched.",
            recoverable=False,
            action="Send a new key with a new launch, the same key only with the same body.",
        )
    return used.run if used else None


def _checked(key: str) -> str:
    if 1 <= len(key) <= LONGEST_KEY and key.isascii() and key.isprintable():
        return key
    raise invalid(
        f"Idempotency-Key: Between 1 and {LONGEST_KEY} printable ASCII characters, not {len(key)} of any kind."
    )
