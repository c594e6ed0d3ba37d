"""The database models: agents, templates, schedules, runs, threads, steps, calls, files. The database is the truth."""

from runs.models.agent import Agent
from runs.models.agent_draft import AgentDraft
from runs.models.agent_label import AgentLabel, LabelMove
from runs.models.agent_version import AgentVersion
from runs.models.alert import AlertEvent, AlertLevel, AlertRound, AlertRule
from runs.models.api_token import ApiToken
from runs.models.idempotency_key import IdempotencyKey
from runs.models.lookups import Mentions
from runs.models.notification import Notification, NotificationDelivery
from runs.models.notification_rule import NotificationChannel, NotificationRule
from runs.models.question import Question
from runs.models.run import Run
from runs.models.run_message import RunMessage
from runs.models.run_view import PagePreferences, RunView
from runs.models.schedule import Schedule, ScheduleTick
from runs.models.server_sign_in import ServerSignIn
from runs.models.skill import Skill, SkillFile
from runs.models.slack_account import SlackAccount
from runs.models.spending import Spending
from runs.models.step import Step
from runs.models.stored_file import Attachment, DocumentPassage, FileChunk, Library, StoredFile
from runs.models.surface import Surface
from runs.models.task_template import TaskTemplate
from runs.models.thread import Thread, ThreadMarks, ThreadStar
from runs.models.tool_call import ToolCall
from runs.models.tool_source import StoredTool, ToolCatalog, ToolSource
from runs.models.trigger import Delivery, Trigger
from runs.models.webhook import Webhook, WebhookAttempt, WebhookEvent

__all__ = [
    "Agent",
    "AgentDraft",
    "AgentLabel",
    "AgentVersion",
    "AlertEvent",
    "AlertLevel",
    "AlertRound",
    "AlertRule",
    "ApiToken",
    "Attachment",
    "Delivery",
    "DocumentPassage",
    "FileChunk",
    "IdempotencyKey",
    "LabelMove",
    "Library",
    "Mentions",
    "Notification",
    "NotificationChannel",
    "NotificationDelivery",
    "NotificationRule",
    "PagePreferences",
    "Question",
    "Run",
    "RunMessage",
    "RunView",
    "Schedule",
    "ScheduleTick",
    "ServerSignIn",
    "Skill",
    "SkillFile",
    "SlackAccount",
    "Spending",
    "Step",
    "StoredFile",
    "StoredTool",
    "Surface",
    "TaskTemplate",
    "Thread",
    "ThreadMarks",
    "ThreadStar",
    "ToolCall",
    "ToolCatalog",
    "ToolSource",
    "Trigger",
    "Webhook",
    "WebhookAttempt",
    "WebhookEvent",
]
