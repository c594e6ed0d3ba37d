"""Rules of notifications: made, changed and deleted by the person whom they tell; each in one transaction."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import transaction

from runs.agent.wording import Wording
from runs.engine.control.notification_channels import NotificationRefused, checked_name
from runs.models import Agent, NotificationChannel, NotificationRule
from runs.models.notification_rule import LONGEST_WAIT_S
from runs.models.permissions import may_see_all

MOST_RULES: Final = 50
"""Of one person: each is looked at when a run changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSettings:
    """What a person says of a rule."""

    name: str
    events: tuple[str, ...]
    channels: tuple[UUID, ...] = ()
    is_for_all: bool = False
    """Of everybody's runs, which takes the permission to see them."""
    agent: Agent | None = None
    waits_over_s: int = 0
    in_page: bool = True
    is_active: bool = True


@transaction.atomic
def create_rule(said: RuleSettings, *, user: Any) -> NotificationRule:
    """A new rule of `user`. Raises `NotificationRefused`."""
    get_user_model().objects.select_for_update().get(pk=user.pk)
    if NotificationRule.objects.filter(user=user).count() >= MOST_RULES:
        raise NotificationRefused({"": Wording("You have %(most)s rules, and that is the limit.", most=MOST_RULES)})
    rule = NotificationRule(user=user)
    _set(rule, said, by=user)
    return rule


@transaction.atomic
def change_rule(rule_id: UUID, said: RuleSettings, *, by: Any) -> NotificationRule:
    """The rule with these settings, from the next change on. Raises `NotificationRefused` and
    `NotificationRule.DoesNotExist`."""
    rule = _locked(rule_id, by)
    _set(rule, said, by=by)
    return rule


@transaction.atomic
def switch_rule(rule_id: UUID, *, is_active: bool, by: Any) -> NotificationRule:
    """Switch a rule on or off. What it noted before is sent."""
    rule = _locked(rule_id, by)
    rule.is_active = is_active
    rule.save(update_fields=["is_active"])
    return rule


@transaction.atomic
def delete_rule(rule_id: UUID, *, by: Any) -> None:
    """Delete the rule with what it noted."""
    _locked(rule_id, by).delete()


def _set(rule: NotificationRule, said: RuleSettings, *, by: Any) -> None:
    """Store what is said. Raises `NotificationRefused` with all faults."""
    faults: dict[str, Wording] = {}
    try:
        rule.name = checked_name(said.name)
    except NotificationRefused as refused:
        faults |= refused.faults
    rule.events = [each.value for each in NotificationRule.Event if each.value in said.events]
    if not rule.events or len(rule.events) < len(set(said.events)):
        faults["events"] = Wording("Choose at least one event.")
    channels = list(NotificationChannel.objects.filter(user=rule.user_id, pk__in=said.channels))
    if len(channels) < len(set(said.channels)):
        faults["channels"] = Wording("There is no such channel, or it is not yours.")
    elif not channels and not said.in_page:
        faults["channels"] = Wording("Choose at least one way to be told.")
    if said.is_for_all and not may_see_all(by):
        faults["is_for_all"] = Wording("Your account may not see everybody's runs.")
    if not 0 <= said.waits_over_s <= LONGEST_WAIT_S:
        faults["waits_over_s"] = Wording("At most %(most)s days.", most=LONGEST_WAIT_S // 86_400)
    if faults:
        raise NotificationRefused(faults)
    rule.is_for_all, rule.agent, rule.waits_over_s = said.is_for_all, said.agent, said.waits_over_s
    rule.in_page, rule.is_active = said.in_page, said.is_active
    rule.save()
    rule.channels.set(channels)


def _locked(rule_id: UUID, by: Any) -> NotificationRule:
    return NotificationRule.objects.select_for_update(no_key=True).get(pk=rule_id, user=by)
