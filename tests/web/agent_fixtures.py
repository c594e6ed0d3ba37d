"""What the editor of an agent sends, and people who may edit."""

from typing import Any

from django.contrib.auth.models import Permission, User

EDITOR: dict[str, Any] = {
    "name": "Clerk",
    "description": "Looks things up",
    "instructions": "You work in a shop.",
    "model_names": ["offline"],
    "strategy": "fallback",
    "tool_choice": "chosen",
    "tools": ["calculator", "current_time"],
    "approval": "unsafe",
    "on_approval_expiry": "deny",
}
"""A new agent; every number is empty."""


def person_with(name: str, *permissions: str) -> User:
    """A person who was given these permissions of `runs`, and nothing else."""
    person = User.objects.create_user(name)
    person.user_permissions.set(Permission.objects.filter(content_type__app_label="runs", codename__in=permissions))
    return person
