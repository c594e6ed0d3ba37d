"""The rows that addresses name, and what the requests of permission tests leave out."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Group, User
from django.utils import timezone

from agentsite import templates
from runs.agent.tools.person_questions import PersonQuestion
from runs.engine import control
from runs.engine.notifications.channels.slack import SlackAddress
from runs.engine.operations import health_checks
from runs.engine.operations.health_checks import DatabaseProbe
from runs.engine.recording.canonical_json import arguments_hash
from runs.engine.sealed_text import seal
from runs.models import (
    Agent,
    AgentLabel,
    AgentVersion,
    AlertEvent,
    AlertRule,
    ApiToken,
    Attachment,
    Delivery,
    LabelMove,
    Library,
    Notification,
    NotificationChannel,
    NotificationDelivery,
    NotificationRule,
    Question,
    Run,
    RunMessage,
    RunView,
    Schedule,
    ScheduleTick,
    Skill,
    SkillFile,
    SlackAccount,
    StoredFile,
    TaskTemplate,
    Thread,
    ToolCall,
    ToolSource,
    Trigger,
    Webhook,
    WebhookEvent,
)
from tests.asked_questions import asked_question
from tests.slack_stand_in import CHANNEL, SECRET, SLACK_ID, TOKEN
from tests.web.identities import give_groups
from tests.web.routes import DECIDING

ARGUMENTS = {"text": "ada@example.org"}
HASH = arguments_hash(ARGUMENTS)


def waiting_call(run: Run, *, state: str = "awaiting_approval") -> ToolCall:
    """A call of the run that waits for an approval or, in another state, for its outcome."""
    return ToolCall.objects.create(
        call_id=uuid4(),
        run=run,
        turn=1,
        index=0,
        tool_name="text_stats",
        epoch=1,
        arguments=ARGUMENTS,
        arguments_hash=HASH,
        effect="unsafe",
        state=state,
    )


def told_event(owner: User, run: Run) -> WebhookEvent:
    """An event of a webhook of the run's owner, which was delivered."""
    webhook = Webhook.objects.create(
        user=owner,
        name="Chat",
        url="https://chat.example/hook",
        event_types=["run.completed"],
        secret=seal("whsec_eA=="),
    )
    now = timezone.now()
    return WebhookEvent.objects.create(
        webhook=webhook, run=run, type="run.completed", body="{}", state="delivered", created_at=now, expires_at=now
    )


def told_person(owner: User, run: Run) -> NotificationDelivery:
    """A notification of a rule of the run's owner, which was sent."""
    channel = NotificationChannel.objects.create(
        user=owner, kind="email", name="Mail", address=seal("ada@example.org"), shown_address="ada@example.org"
    )
    rule = NotificationRule.objects.create(user=owner, name="Ends", events=["run.completed"])
    rule.channels.add(channel)
    now = timezone.now()
    notification = Notification.objects.create(
        id=uuid4(), rule=rule, user=owner, event="run.completed", run=run, key=f"{run.pk}", due_at=now, created_at=now
    )
    return NotificationDelivery.objects.create(
        notification=notification, channel=channel, state="sent", expires_at=now, ended_at=now
    )


def slack_account_of(owner: User) -> SlackAccount:
    """An account that decides in a Slack channel of the owner."""
    address = SlackAddress(token=TOKEN, secret=SECRET, channel=CHANNEL).as_text()
    channel = NotificationChannel.objects.create(
        user=owner, kind="slack", name="Approvals", address=seal(address), shown_address=CHANNEL
    )
    return SlackAccount.objects.create(channel=channel, slack_id=SLACK_ID, slack_name="jtorrance", user=owner)


def device_of(owner: User) -> NotificationChannel:
    """A device of the owner."""
    return NotificationChannel.objects.create(user=owner, kind="web_push", name="Phone", address=seal("{}"))


@dataclass
class Site:
    """The rows that addresses name, all of the owner's."""

    owner: User
    run: Run
    step_pk: int
    call: ToolCall
    """A call of the run, which has ended."""
    group: Group
    token: ApiToken
    view_pk: int
    """A saved view of the list of runs."""
    file: StoredFile
    """A file given to the run."""
    library_pk: int
    template_pk: int
    asking: ToolCall
    """A call of another run, which waits for the call's approval …"""
    unknown: ToolCall
    """… and a call of a run that waits for the call's outcome."""
    question: Question
    """Of a call of a run that waits for an answer."""
    message: RunMessage
    """To the run, which has ended without reading it."""
    event: WebhookEvent
    """Of a webhook, about the run."""
    schedule: Schedule
    delivery: Delivery
    """To a trigger."""
    alert_rule: AlertRule
    notice: NotificationDelivery
    """Of a rule, about the run."""
    slack_account: SlackAccount
    device: NotificationChannel
    _addresses: dict[tuple[str, str], str] = field(default_factory=dict)

    def call_for(self, name: str) -> ToolCall:
        """The call that an address concerns."""
        if "answer" in name or "question" in name:
            return self.question.call
        if name not in DECIDING:
            return self.call
        return self.unknown if "settle" in name else self.asking

    def path_of(self, name: str, route: str) -> str:
        """An address of the route, filled with these rows."""
        if (name, route) not in self._addresses:
            self._addresses[name, route] = self._path_of(name, route)
        return self._addresses[name, route]

    def _path_of(self, name: str, route: str) -> str:
        call = self.call_for(name)
        admin_model = "/".join(route.split("/")[1:3])
        known = {
            "<uuid:run_id>": call.run_id,
            "<uuidstr:run_id>": call.run_id,
            "<uuid:thread_id>": call.run_id,
            "<uuidstr:thread_id>": call.run_id,
            "<uuid:call_id>": call.pk,
            "<uuidstr:call_id>": call.pk,
            "<uuid:question_id>": self.question.pk,
            "<uuidstr:question_id>": self.question.pk,
            "<uuid:message_id>": self.message.pk,
            "<uuidstr:message_id>": self.message.pk,
            "<uuid:webhook_id>": self.event.webhook_id,
            "<uuidstr:webhook_id>": self.event.webhook_id,
            "<uuid:uid>": self.event.uid,
            "<uuidstr:event_id>": self.event.uid,
            "<uuid:schedule_id>": self.schedule.pk,
            "<uuidstr:schedule_id>": self.schedule.pk,
            "<uuid:rule_id>": self.alert_rule.pk,
            "<uuidstr:rule_id>": self.alert_rule.pk,
            **self._ids_of_notice(),
            "<uuid:trigger_id>": self.delivery.trigger_id,
            "<uuidstr:trigger_id>": self.delivery.trigger_id,
            "<uuid:delivery_id>": self.delivery.uid,
            "<uuidstr:delivery_id>": self.delivery.uid,
            "<str:token>": "wrong",
            "<name>": "production",
            "<int:account_id>": self.slack_account.pk,
            "<uuidstr:slack_channel_id>": self.slack_account.channel_id,
            "<uuidstr:device_id>": self.device.pk,
            "<int:token_id>": self.token.pk,
            "<int:view_id>": self.view_pk,
            "<uuid:file_id>": self.file.pk,
            "<int:library_id>": self.library_pk,
            "<str:name>": "expense-report",
            "<slug:name>": "shop",
            "<slug:key>": "none",
            "<slug:api_name>": "garden",
            "<uuidstr:file_id>": self.file.pk,
            "<int:agent_id>": self.run.agent_id,
            "<int:template_id>": self.template_pk,
            "<int:sequence>": 1,
            "<int:number>": 1,
            "<path:name>": "calculator",
            "^api(?:/|$)": "api/",
            "<path:content_type_id>": 0,
            "<path:object_id>": self._objects.get(admin_model, 0),
            "<id>": self.owner.pk,
            "^(?P<app_label>auth|runs)/$": "runs/",
            "(?P<url>.*)$": "nowhere/",
        }
        for part, value in known.items():
            route = route.replace(part, str(value))
        assert not set(route) & set("<>()^$"), f"{name}: what is {route}?"
        return f"/{route}"

    def _ids_of_notice(self) -> dict[str, Any]:
        return {
            "<uuid:notice_id>": self.notice.uid,
            "<uuidstr:notice_id>": self.notice.uid,
            "<uuid:channel_id>": self.notice.channel_id,
            "<uuidstr:channel_id>": self.notice.channel_id,
            "<uuid:notification_rule_id>": self.notice.notification.rule_id,
            "<uuidstr:notification_rule_id>": self.notice.notification.rule_id,
            "<uuidstr:notification_id>": self.notice.notification_id,
        }

    @cached_property
    def _objects(self) -> dict[str, Any]:
        """By model, the key of the row that the admin shows."""
        return {
            "runs/run": self.run.pk,
            "runs/step": self.step_pk,
            "runs/agentversion": AgentVersion.objects.filter(agent=self.run.agent_id).values_list("pk", flat=True)[0],
            "runs/agentlabel": AgentLabel.objects.values_list("pk", flat=True)[0],
            "runs/labelmove": LabelMove.objects.values_list("pk", flat=True)[0],
            "runs/tasktemplate": self.template_pk,
            "runs/toolcall": self.call.pk,
            "runs/runmessage": self.message.pk,
            "runs/alertrule": self.alert_rule.pk,
            "runs/alertevent": self.alert_rule.events.values_list("pk", flat=True)[0],
            "runs/schedule": self.schedule.pk,
            "runs/scheduletick": self.schedule.ticks.values_list("pk", flat=True)[0],
            "runs/trigger": self.delivery.trigger_id,
            "runs/delivery": self.delivery.pk,
            "runs/thread": self.run.pk,
            "runs/agent": self.run.agent_id,
            "runs/apitoken": self.token.pk,
            "runs/webhook": self.event.webhook_id,
            "runs/webhookevent": self.event.pk,
            "runs/notificationchannel": self.notice.channel_id,
            "runs/notificationrule": self.notice.notification.rule_id,
            "runs/notificationdelivery": self.notice.pk,
            "auth/user": self.owner.pk,
            "auth/group": self.group.pk,
        }


@pytest.fixture
def site(owner: User, make_run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> Site:
    """A completed run with a step and a call, and three runs that wait for a person.

    The probe of the database writes on a connection of its own, which the rows of a test keep out for 2 s, and so would
    what a connection to a server reports: neither is made. The status of MCP is that of its response:
    what takes longer than half a second would begin as a stream, with 200.
    """
    _render_each_template_once(monkeypatch)
    _read_permissions_once(monkeypatch)
    monkeypatch.setattr(health_checks, "DATABASE", DatabaseProbe(lambda: None))
    monkeypatch.setattr("runs.api.mcp.http.STREAMS_AFTER_S", 60)
    monkeypatch.setattr("runs.web.tool_servers.check_server", lambda *_: None)
    monkeypatch.setattr(
        "runs.web.server_sign_in.begin_sign_in", lambda *_, **__: ("https://auth.example.org/", "s", "t")
    )
    monkeypatch.setattr("runs.web.server_sign_in.sign_out", lambda *_: None)
    return _rows(owner, make_run)


def _render_each_template_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip a template that the test has rendered before: the text of a response plays no part in its status."""
    rendered: set[str] = set()
    render = templates._Template.render

    def once(template: Any, *given: Any, **named: Any) -> Any:
        name = template.template.name
        if name in rendered:
            return ""
        text = render(template, *given, **named)
        rendered.add(name)
        return text

    monkeypatch.setattr(templates._Template, "render", once)


def _read_permissions_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read the permissions of each person once in a test: every request is rolled back, so they stay what they are."""
    known: dict[tuple[int, str], Any] = {}
    read = ModelBackend._get_permissions  # type: ignore[attr-defined]  # Not in the stubs.

    def once(backend: ModelBackend, user: User, obj: Any, source: str) -> Any:
        if obj is not None or not user.is_active:
            return read(backend, user, obj, source)
        if (user.pk, source) not in known:
            known[user.pk, source] = read(backend, user, obj, source)
        return known[user.pk, source]

    monkeypatch.setattr(ModelBackend, "_get_permissions", once)


def _rows(owner: User, make_run: Callable[..., Run]) -> Site:
    give_groups()
    run = make_run(owner, steps=1)
    token, _text = ApiToken.issue(owner, name="x", scopes=["read"])
    nobody = Group.objects.create(name="Nobody")
    asking = waiting_call(make_run(owner, status="waiting", waiting_for="approval", epoch=1))
    unknown = waiting_call(make_run(owner, status="waiting", waiting_for="decision", epoch=1), state="unknown")
    view = RunView.objects.create(user=owner, name="Failed", query="status=failed")
    file = StoredFile.objects.create(user=owner, name="a.txt", media_type="text/plain", size=0, state="ready")
    Attachment.objects.create(run=run, file=file, position=0)
    shelf = Library.objects.create(name="handbook")
    skill = Skill.objects.create(name="expense-report", description="x", size=1, uploaded_at=timezone.now())
    SkillFile.objects.create(skill=skill, path="SKILL.md", content=b"x")
    now, address = timezone.now(), {"transport": "http", "url": "https://mcp.example.org/mcp"}
    ToolSource.objects.create(name="shop", kind="mcp", options=address, state_since=now, added_at=now)
    ToolSource.objects.create(name="garden", kind="openapi", state_since=now, added_at=now)
    call = waiting_call(run)
    asked = asked_question(make_run(owner, epoch=1), PersonQuestion(text="Where?"))
    message = RunMessage.objects.create(run=run, user=owner, position=1, text="And shorter.")
    Run.objects.filter(pk=run.pk).update(queued_messages=1)
    Thread.objects.create(pk=run.pk, title="Sums")
    assert run.agent_id is not None
    control.set_label(run.agent_id, "production", 1, by=owner)
    template = TaskTemplate.objects.create(agent=Agent.objects.get(runs=run), name="Essay", task="x")
    event = told_event(owner, run)
    rows = (view.pk, file, shelf.pk, template.pk)
    step, schedule, delivery = run.steps.get().pk, _schedule_of(owner), _delivery_to(owner)
    first = (owner, run, step, call, nobody, token)
    rule = _alert_rule_of(owner)
    told = (told_person(owner, run), slack_account_of(owner), device_of(owner))
    return Site(*first, *rows, asking, unknown, asked, message, event, schedule, delivery, rule, *told)


def _alert_rule_of(owner: User) -> AlertRule:
    """A rule at an alert, which can be acknowledged."""
    rule = AlertRule.objects.create(user=owner, name="Failures", metric="failure_rate", alert_at=50, level="alert")
    AlertEvent.objects.create(rule=rule, number=1, from_level="ok", to_level="alert", reason="x", at=timezone.now())
    return rule


def _schedule_of(owner: User) -> Schedule:
    agent, now = Agent.objects.get(name="Assistant"), timezone.now()
    about = {"when": "hourly", "cron": "0 * * * *", "time_zone": "UTC", "next_tick_at": now, "launch_at": now}
    schedule = Schedule.objects.create(user=owner, name="Report", agent=agent, task="x", **about)
    ScheduleTick.objects.create(schedule=schedule, due_at=now, state="skipped")
    return schedule


def _delivery_to(owner: User) -> Delivery:
    agent = Agent.objects.get(name="Assistant")
    about = {"task": "x", "scheme": "token", "token_hash": "t", "token_prefix": "agh_t"}
    trigger = Trigger.objects.create(user=owner, name="Pushes", agent=agent, **about)
    kept = {"key": "1", "body_hash": "h", "payload": "{}", "state": "filtered"}
    return Delivery.objects.create(trigger=trigger, received_at=timezone.now(), **kept)
