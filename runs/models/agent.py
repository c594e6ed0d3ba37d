"""The agent: a saved configuration for runs."""

from decimal import Decimal
from typing import Any, Final, Self

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy, pgettext_lazy

from runs.agent.all_settings import SETTINGS
from runs.agent.json_data.json_types import JsonMapping, JsonObject
from runs.models.agent_config import COLUMNS, columns_of
from runs.models.agent_version import record_version
from runs.models.bounds import MAX_APPROVAL_SECONDS, MAX_PRIORITY, MAX_RUNS_AT_ONCE
from runs.models.permissions import AGENT_PERMISSIONS
from runs.models.setting_columns import column

_LEAST_COST: Final = Decimal("0.0001")


class AgentQuerySet(models.QuerySet["Agent"]):
    """Agents."""

    def in_use(self) -> Self:
        """Those that runs are launched with: all but the archived ones."""
        return self.filter(archived_at=None)

    def update(self, **values: Any) -> int:
        """Update the rows. It makes no versions: an agent whose configuration is changed so is of no version until it
        is saved."""
        return super().update(**({} if COLUMNS.isdisjoint(values) else {"version": None}) | values)


class Agent(models.Model):
    """A saved configuration: instructions, models in order, tools, limits and retry policy. Each `save` that changes it
    makes a version."""

    class Strategy(models.TextChoices):
        """How several models are used."""

        FALLBACK = "fallback", gettext_lazy("Fallback: the next model when one fails")
        HEDGE = "hedge", gettext_lazy("Hedge: the next model also when one is slow to begin")
        RACE = "race", gettext_lazy("Race: all models at once, the first success wins")

    class Approval(models.TextChoices):
        """Which calls wait for a person before they run."""

        NEVER = "never", gettext_lazy("Never")
        UNSAFE = "unsafe", gettext_lazy("Unsafe tools only")
        ALWAYS = "always", gettext_lazy("Always")

    class ReasoningEffort(models.TextChoices):
        """How much a model thinks before it answers; the values are those of `ModelSettings`."""

        NONE = "none", gettext_lazy("None")
        MINIMAL = "minimal", gettext_lazy("Minimal")
        LOW = "low", gettext_lazy("Low")
        MEDIUM = "medium", gettext_lazy("Medium")
        HIGH = "high", gettext_lazy("High")
        XHIGH = "xhigh", gettext_lazy("Extra high")
        MAX = "max", gettext_lazy("As much as it can")

    class OnExpiry(models.TextChoices):
        """What happens to a call that is not decided in time."""

        DENY = "deny", gettext_lazy("Deny it")
        APPROVE = "approve", gettext_lazy("Approve it")

    class MayRaise(models.TextChoices):
        """What any launch may raise above the agent's values, also by a person who may not change the agent."""

        LIMITS = "limits", gettext_lazy("Limits: more turns, tool calls, seconds, tokens or dollars")
        MODELS = "models", gettext_lazy("Models: others, or a dearer strategy")
        TOOLS = "tools", gettext_lazy("Tools: others")
        SETTINGS = "settings", gettext_lazy("Model settings: longer replies, more effort, further settings")

    name = models.CharField(pgettext_lazy("field", "name"), max_length=80, unique=True)
    description = models.CharField(pgettext_lazy("field", "description"), max_length=200, blank=True)
    instructions = models.TextField(
        pgettext_lazy("field", "instructions"),
        blank=True,
        help_text=gettext_lazy("What the model is told before the task."),
    )
    model_names = models.JSONField(
        pgettext_lazy("field", "model names"),
        default=list,
        help_text=gettext_lazy('Model names in order of preference, such as ["offline"] or ["openai:gpt-6-astra"].'),
    )
    strategy = models.CharField(
        pgettext_lazy("field", "strategy"), max_length=10, choices=Strategy, default=Strategy.FALLBACK
    )
    tools = models.JSONField(
        pgettext_lazy("field", "tools"),
        null=True,
        blank=True,
        help_text=gettext_lazy(
            'Names of the tools it may use, such as ["calculator"]; empty for all of them, [] for none.'
        ),
    )
    """Null: all tools, also those that are added later. An empty list: none, and no request names a tool."""
    libraries = models.JSONField(
        pgettext_lazy("field", "libraries"),
        default=list,
        blank=True,
        help_text=gettext_lazy('Names of the libraries whose documents it may read, such as ["handbook"].'),
    )
    skills = models.JSONField(
        pgettext_lazy("field", "skills"),
        default=list,
        blank=True,
        help_text=gettext_lazy('Names of the skills that it has, such as ["expense-report"].'),
    )
    agents = models.JSONField(
        pgettext_lazy("field", "agents"),
        default=list,
        blank=True,
        help_text=gettext_lazy('Names of the agents that it may call, such as ["Researcher"].'),
    )
    reasoning_effort = column(
        "reasoning_effort", models.CharField, max_length=8, choices=ReasoningEffort, null=False, default=""
    )
    temperature = column("temperature", models.FloatField)
    top_p = column("top_p", models.FloatField)
    max_output_tokens = column("max_output_tokens", models.PositiveIntegerField)
    extra_settings = column("extra", models.JSONField, default=dict, blank=True)
    max_turns = column("max_turns", models.PositiveIntegerField)
    max_calls = column("max_calls", models.PositiveIntegerField)
    max_repeats = column("max_repeats", models.PositiveIntegerField, db_default=SETTINGS["max_repeats"].default)
    max_child_runs = column(
        "max_child_runs", models.PositiveIntegerField, db_default=SETTINGS["max_child_runs"].default
    )
    max_duration_s = column("max_duration_s", models.PositiveIntegerField)
    max_tokens = column("max_tokens", models.PositiveBigIntegerField)
    max_cost_usd = column("max_cost_usd", models.DecimalField, max_digits=14, decimal_places=4)
    context_tokens = column("context_tokens", models.PositiveIntegerField)
    first_token_timeout_s = column("first_token_timeout_s", models.FloatField)
    idle_timeout_s = column("idle_timeout_s", models.FloatField)
    model_timeout_s = column("model_timeout_s", models.FloatField)
    tool_timeout_s = column("tool_timeout_s", models.FloatField)
    output_schema = models.JSONField(
        pgettext_lazy("field", "output schema"),
        null=True,
        blank=True,
        help_text=gettext_lazy("A JSON Schema (Draft 2020-12) the answer has to fit; empty for an answer in text."),
    )
    max_attempts = models.PositiveIntegerField(
        pgettext_lazy("field", "max attempts"),
        default=3,
        validators=[MinValueValidator(1), MaxValueValidator(10)],
        help_text=gettext_lazy("Attempts at one model reply, the first included."),
    )
    approval = models.CharField(
        gettext_lazy("asks before a tool runs"),
        max_length=6,
        choices=Approval,
        default=Approval.UNSAFE,
        help_text=gettext_lazy("Which calls wait for a person."),
    )
    tool_approvals = models.JSONField(
        pgettext_lazy("field", "tool approvals"),
        default=dict,
        blank=True,
        help_text=gettext_lazy('Tools with a rule of their own, such as {"send_mail": "always", "search": "never"}.'),
    )
    approval_seconds = models.PositiveIntegerField(
        pgettext_lazy("field", "approval seconds"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_APPROVAL_SECONDS)],
        help_text=gettext_lazy("How long a call waits for a person; empty for ever."),
    )
    on_approval_expiry = models.CharField(
        pgettext_lazy("field", "on approval expiry"), max_length=7, choices=OnExpiry, default=OnExpiry.DENY
    )
    launch_may_raise = models.JSONField(
        pgettext_lazy("field", "launch may raise"),
        default=list,
        blank=True,
        help_text=gettext_lazy(
            "Nothing, unless it is ticked here: what the agent says is the most a launch may ask for. Whoever "
            "may change the agent may launch it with more."
        ),
    )
    """Values of `MayRaise`."""
    priority = models.SmallIntegerField(
        pgettext_lazy("field", "priority"),
        default=0,
        validators=[MinValueValidator(-MAX_PRIORITY), MaxValueValidator(MAX_PRIORITY)],
        help_text=gettext_lazy("Queued runs of a higher priority are hosted first."),
    )
    max_runs_at_once = models.PositiveIntegerField(
        pgettext_lazy("field", "max runs at once"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_RUNS_AT_ONCE)],
        help_text=gettext_lazy(
            "How many of its runs may be hosted at the same time; empty for no limit. The others stay queued."
        ),
    )
    is_default = models.BooleanField(
        pgettext_lazy("field", "is default"),
        default=False,
        help_text=gettext_lazy("Chosen when a run is launched without naming an agent."),
    )
    version = models.PositiveIntegerField(pgettext_lazy("field", "version"), null=True, editable=False)
    """The number of the version that has its configuration; null if no version has."""
    archived_at = models.DateTimeField(pgettext_lazy("field", "archived at"), null=True, editable=False)
    """Since when no run is launched with it; null for an agent in use."""
    created_at = models.DateTimeField(pgettext_lazy("field", "created at"), auto_now_add=True)
    updated_at = models.DateTimeField(pgettext_lazy("field", "updated at"), auto_now=True)

    objects = AgentQuerySet.as_manager()

    class Meta:
        verbose_name = pgettext_lazy("model", "agent")
        verbose_name_plural = pgettext_lazy("model", "agents")
        ordering = ["name"]
        permissions = AGENT_PERMISSIONS
        constraints = [
            models.UniqueConstraint("is_default", condition=Q(is_default=True), name="one_default_agent"),
        ]

    def __str__(self) -> str:
        return self.name

    def save(
        self, *args: Any, by: Any = None, message: str = "", restored_from: int | None = None, **kwargs: Any
    ) -> None:
        """Save the agent and, if its configuration has changed, its next version, in one transaction.

        `by` is the version's author; None is the command line. `restored_from` is the number of the version that the
        agent is brought back to.
        """
        with transaction.atomic():
            rows = Agent.objects.filter(pk=self.pk)
            list(rows.select_for_update().values_list("pk"))  # Savers wait here for each other: one number each.
            super().save(*args, **kwargs)
            saved = self if kwargs.get("update_fields") is None else Agent.objects.get(pk=self.pk)
            self.version = record_version(saved, by=by, message=message, restored_from=restored_from)
            Agent.objects.filter(pk=self.pk).update(version=self.version)

    @classmethod
    def of_config(cls, config: JsonMapping) -> "Agent":
        """An unsaved agent with a stored configuration."""
        agent = cls(**columns_of(config))
        if agent.max_cost_usd is not None:  # With the decimals that the database gives it.
            agent.max_cost_usd = agent.max_cost_usd.quantize(_LEAST_COST)
        return agent

    def snapshot(self) -> JsonObject:
        """The configuration as JSON. A run keeps it, so that editing the agent never changes a run.

        Default settings have no key, because each hosted run keeps the snapshot in memory.
        """
        chosen = {each.name: (each, getattr(self, each.agent_column)) for each in SETTINGS.values()}
        return {
            "agent": self.name,
            "instructions": self.instructions,
            "models": list(self.model_names) or ["offline"],
            "strategy": self.strategy,
            "tools": self.tools,
            **({"libraries": list(self.libraries)} if self.libraries else {}),
            **({"skills": list(self.skills)} if self.skills else {}),
            **({"agents": list(self.agents)} if self.agents else {}),
            "max_attempts": self.max_attempts,
            "output_schema": self.output_schema,
            "approval": self.approval,
            "tool_approvals": dict(self.tool_approvals),
            "approval_seconds": self.approval_seconds,
            "on_approval_expiry": self.on_approval_expiry,
            **{name: each.as_json(value) for name, (each, value) in chosen.items() if value not in (None, "", {})},
        }
