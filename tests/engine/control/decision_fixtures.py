"""People who decide, and the runs that wait for them."""

from collections.abc import Callable
from typing import Any, Self
from uuid import UUID, uuid4

from asgiref.sync import sync_to_async
from django.contrib.auth.models import Permission, User

from runs.agent.messages import ModelReply, ToolRequest
from runs.agent.providers.scripted import ScriptedModel, answers
from runs.agent.tools.protocol import Approval, Effect
from runs.agent.tools.registry import tool
from runs.engine import control
from runs.engine.queueing.local_host import set_host
from runs.models import Agent, Run, ToolCall
from tests.engine.conftest import reached
from tests.engine.hosts import IdleHost


class Post:
    """A tool that sends letters; it is unsafe, and needs approval."""

    def __init__(self, effect: Effect = "unsafe", approval: Approval | None = None, name: str = "") -> None:
        self.sent: list[tuple[str, int]] = []
        self.name = name or f"send_{uuid4().hex[:8]}"

        @tool(name=self.name, effect=effect, approval=approval)
        async def send(to: str, copies: int = 1) -> str:
            """Send a letter."""
            self.sent.append((to, copies))
            return f"Sent to {to}."

    def letters(self, *to: str) -> ModelReply:
        """A reply that calls it for each recipient."""
        return ModelReply("I write.", calls=tuple(ToolRequest(self.name, {"to": each}) for each in to))


def decider(name: str) -> User:
    """A user who sees everybody's runs and may decide about their calls."""
    user = User.objects.create_user(name, password="secret")
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_run", "decide_run"]))
    return user


async def launch_asking(user: User, **config: Any) -> Run:
    """A run whose agent asks before unsafe tools are called, unless `config` says otherwise."""

    def launched() -> Run:
        agent = Agent(name=f"Asks {uuid4().hex[:8]}", model_names=["offline"], **config)
        agent.save()
        return control.launch(user=user, task="Write to them.", agent=agent)

    return await sync_to_async(launched, thread_sensitive=False)()


async def run_again(run: Run, user: User, *, times: int) -> list[Run]:
    """The same run again, `times` times."""
    return await sync_to_async(
        lambda: [control.run_again(run.pk, by=user) for _ in range(times)], thread_sensitive=False
    )()


async def parked(run: Run, waits_for: str = "approval") -> list[ToolCall]:
    """The run's calls in order, once it waits for a person."""
    await reached(run, lambda row: row.status == "waiting" and row.waiting_for == waits_for)
    return await calls_of(run)


async def calls_of(run: Run) -> list[ToolCall]:
    """The run's calls in order."""
    return [call async for call in run.calls.select_related("decided_by").order_by("turn", "index")]


async def decide(decision: Callable[..., Any], call: ToolCall, by: User | None, **options: Any) -> ToolCall:
    """Approve or deny as a page would: from a thread, with the hash it had shown."""
    options = {"arguments_hash": call.arguments_hash} | options
    decided: ToolCall = await sync_to_async(decision, thread_sensitive=False)(call.pk, by=by, **options)
    return decided


async def settle(call: ToolCall, by: User | None, outcome: control.Outcome, reason: str = "") -> ToolCall:
    """Settle a call, as a page would."""
    return await sync_to_async(control.settle, thread_sensitive=False)(call.pk, by=by, outcome=outcome, reason=reason)


def says(*replies: ModelReply) -> ScriptedModel:
    """A model that gives these replies, and then the answer "Done."."""
    return ScriptedModel(*replies, answers("Done."))


class OnlyAsked(IdleHost):
    """Replaces the host of this process in a `with` block: it notes the runs it is asked to host, and hosts none."""

    id = "only asked"

    def __init__(self) -> None:
        self.for_runs: list[UUID] = []

    def __enter__(self) -> Self:
        set_host(self)
        return self

    def __exit__(self, *_: object) -> None:
        set_host(None)

    def submit(self, run_id: UUID) -> None:
        """Note the run."""
        self.for_runs.append(run_id)

    wake = submit
