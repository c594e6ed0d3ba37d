"""Permissions: the questions that pages, API, sockets and admin ask, answered by Django's permissions.

Users need no permission to see, stop and decide about their own runs. Launching needs a permission of its own; an
account without any permission and group has it too. Superusers may do everything, `is_staff` alone opens the
admin and nothing in it, and a token may never do more than its owner may now.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from django.utils.functional import lazy
from django.utils.translation import gettext, gettext_lazy, gettext_noop

if TYPE_CHECKING:
    from runs.models.alert import AlertRule
    from runs.models.run import Run
    from runs.models.schedule import Schedule

VIEW_RUN: Final = "runs.view_run"
LAUNCH_RUN: Final = "runs.launch_run"
STOP_RUN: Final = "runs.stop_run"
DECIDE_RUN: Final = "runs.decide_run"
VIEW_AGENT: Final = "runs.view_agent"
ADD_AGENT: Final = "runs.add_agent"
CHANGE_AGENT: Final = "runs.change_agent"
DELETE_AGENT: Final = "runs.delete_agent"
VIEW_MODELS: Final = "runs.view_models"
TEST_MODELS: Final = "runs.test_models"
WHAT_OWNERS_MAY: Final = (VIEW_RUN, STOP_RUN, DECIDE_RUN)
"""Permissions for everybody's runs that users have for their own without a grant."""
OFFERED: Final = frozenset(
    {VIEW_RUN, LAUNCH_RUN, STOP_RUN, DECIDE_RUN, VIEW_MODELS, TEST_MODELS, "runs.view_step", "runs.view_toolcall"}
    | {VIEW_AGENT, ADD_AGENT, CHANGE_AGENT, DELETE_AGENT}
    | {"runs.view_apitoken", "runs.change_apitoken"}
    | {f"auth.{verb}_{what}" for what in ("user", "group") for verb in ("view", "add", "change", "delete")}
)
"""Permissions that the admin offers for users and groups: those with an effect that no other one has."""

RUN_PERMISSIONS: Final = (
    ("launch_run", gettext_noop("Can launch runs")),
    ("stop_run", gettext_noop("Can stop and pause everybody's runs")),
    ("decide_run", gettext_noop("Can decide about everybody's tool calls")),
)
AGENT_PERMISSIONS: Final = (
    ("view_models", gettext_noop("Can see the models page")),
    ("test_models", gettext_noop("Can test models")),
)


def may_see_all(user: Any) -> bool:
    """True if the user may see everybody's runs."""
    return bool(user.has_perm(VIEW_RUN))


def may_share_views(user: Any) -> bool:
    """True if the user may share a view of the list of runs, which everybody is offered."""
    return may_see_all(user)


def may_see(user: Any, run: "Run") -> bool:
    """True if the user may see this run."""
    return _is_theirs(user, run) or may_see_all(user)


def may_launch(user: Any) -> bool:
    """True if the user may launch runs, repeat them and follow them up. None is the command line, which may do
    everything.

    A person who may change an agent may launch it too: a change affects everybody, which is more than a trial.
    """
    if user is None or user.has_perm(LAUNCH_RUN) or user.has_perm(CHANGE_AGENT):
        return True
    return was_given_nothing(user)


def was_given_nothing(user: Any) -> bool:
    """True for an active account without groups and permissions: it may launch runs and sees its own."""
    return bool(user.is_active and not user.get_all_permissions() and not user.groups.exists())


def was_given_something(person: Any) -> bool:
    """True for an account with a group or a permission, also an inactive one."""
    return bool(person.groups.exists() or person.user_permissions.exists())


def may_act_as(user: Any, person: Any) -> bool:
    """True if `user` may do with everybody's runs what `person` may do with their own, and launch if `person` may.

    A user who sets another's password can sign in as them. Further permissions of `person` are not considered.
    """
    if user.is_superuser or user.pk == person.pk:
        return True
    # An inactive person has no permissions now, but may launch once activated.
    launches = may_launch(person) or not was_given_something(person)
    return bool(user.has_perms(WHAT_OWNERS_MAY)) and (may_launch(user) or not launches)


def may_launch_like(user: Any, _run: "Run") -> bool:
    """True if the user may launch a run like one they see: again, as a copy, or as a follow-up. They own the new
    run."""
    return may_launch(user)


def may_stop(user: Any, run: "Run") -> bool:
    """True if the user may stop or pause a run they see."""
    return _is_theirs(user, run) or bool(user.has_perm(STOP_RUN))


def may_see_schedule(user: Any, schedule: "Schedule") -> bool:
    """True if the user may see this schedule, as they may see its runs."""
    return _owns(user, schedule) or may_see_all(user)


def may_pause_schedule(user: Any, schedule: "Schedule") -> bool:
    """True if the user may pause or delete a schedule they see, as they may stop its runs. None is the command line."""
    return user is None or _owns(user, schedule) or bool(user.has_perm(STOP_RUN))


def may_resume_schedule(user: Any, schedule: "Schedule") -> bool:
    """True if the user may resume a schedule they see, or launch a run from it, in its owner's name."""
    return may_pause_schedule(user, schedule) and may_launch(user)


def may_change_schedule(user: Any, schedule: "Schedule") -> bool:
    """True if the user may change what a schedule launches. Only its owner: the runs are launched with the owner's
    rights. None is the command line."""
    return user is None or (_owns(user, schedule) and may_launch(user))


def may_change_alert_rule(user: Any, rule: "AlertRule") -> bool:
    """True if the user may change or delete an alert rule: only its owner, and superusers one of the command line.
    Whoever sees it may mute and acknowledge it. None is the command line."""
    return user is None or _owns(user, rule) or (rule.user_id is None and bool(user.is_superuser))


def may_resume(user: Any, run: "Run") -> bool:
    """True if the user may resume a run they see, which launches work in its owner's name."""
    return may_stop(user, run) and may_launch(user)


def may_change_thread(user: Any, *, wrote: bool) -> bool:
    """True if the user may name and archive a thread of which they see a run. `wrote`: one of its messages is
    theirs."""
    return wrote or bool(user.has_perm(STOP_RUN))


def may_decide(user: Any, run: "Run") -> bool:
    """True if the user may decide about the tool calls of a run they see."""
    return _is_theirs(user, run) or may_decide_for_others(user)


def may_steer(user: Any, run: "Run") -> bool:
    """True if the user may send messages to a run they see: whoever may answer its questions."""
    return may_decide(user, run)


def may_decide_for_others(user: Any) -> bool:
    """True if the user may decide about everybody's tool calls."""
    return bool(user.has_perm(DECIDE_RUN))


def may_exceed(user: Any) -> bool:
    """True if the user may launch an agent beyond its limits and rules. None is the command line, which may."""
    return user is None or bool(user.has_perm(CHANGE_AGENT))


def may_see_agents(user: Any) -> bool:
    """True if the user may see what the agents are: their models, tools, limits and rules, without instructions.

    A person who may launch an agent may know what it is.
    """
    return may_launch(user) or may_read_agents(user) or may_add_agents(user)


def may_read_agents(user: Any) -> bool:
    """True if the user may read agents as a whole, instructions included, and export them."""
    return bool(user.has_perm(VIEW_AGENT)) or may_change_agents(user)


def may_add_agents(user: Any) -> bool:
    """True if the user may create agents."""
    return bool(user.has_perm(ADD_AGENT))


def may_change_agents(user: Any) -> bool:
    """True if the user may change agents."""
    return bool(user.has_perm(CHANGE_AGENT))


def may_try_tools(user: Any) -> bool:
    """True if the user may call a tool outside of any run, where no agent's tools, limits and approvals hold: it takes
    the right to change them."""
    return may_change_agents(user)


def may_see_models(user: Any) -> bool:
    """True if the user may see the models page."""
    return bool(user.has_perm(VIEW_MODELS))


def may_test_models(user: Any) -> bool:
    """True if the user may make a test call to a model, which may cost something."""
    return bool(user.has_perm(TEST_MODELS))


def may_see_styleguide(user: Any) -> bool:
    """True for staff: it shows the components of the pages, with samples and no data."""
    return bool(user.is_active and user.is_staff)


def refusal(what: str, permission: str) -> str:
    """The message for a missing permission: its name in the admin, and whom to ask."""
    words = dict((*RUN_PERMISSIONS, *AGENT_PERMISSIONS))[permission.partition(".")[2]]
    lacks = gettext("Your account may not %(what)s: it lacks the permission “%(permission)s”.")
    told = lacks % {"what": gettext(what), "permission": gettext(words)}
    return f"{told} {gettext('Ask a person who manages the accounts here.')}"


NOT_YOUR_RULE: Final = gettext_lazy("Only its owner may change or delete an alert rule.")
NOT_LAUNCHED: Final = lazy(refusal, str)(gettext_noop("launch runs"), LAUNCH_RUN)


def why_not(may: Callable[[Any, "Run"], bool], user: Any, run: "Run") -> str:
    """Why `may` refuses a user who sees the run."""
    if may is may_resume:
        may = may_launch_like if may_stop(user, run) else may_stop
    if may is may_launch_like:
        return str(NOT_LAUNCHED)
    if may is may_steer:
        return refusal(gettext_noop("send messages to another person's run"), DECIDE_RUN)
    if may is may_decide:
        return refusal(gettext_noop("decide about calls of another person's run"), DECIDE_RUN)
    return refusal(gettext_noop("stop, pause or resume another person's run"), STOP_RUN)


def refusal_of_thread_change() -> str:
    """Why a user who sees a thread may not name or archive it."""
    return refusal(gettext_noop("name or archive a thread of other people"), STOP_RUN)


def refusal_of_schedule() -> str:
    """Why a user who sees a schedule may not change it."""
    return refusal(gettext_noop("pause, resume or delete another person's schedule"), STOP_RUN)


def _owns(user: Any, owned: "Schedule | AlertRule") -> bool:
    return owned.user_id is not None and owned.user_id == user.pk


def _is_theirs(user: Any, run: "Run") -> bool:
    return run.user_id is not None and run.user_id == user.pk
