"""The account that a command's `--user` names."""

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError


def user_named(name: str | None) -> Any:
    """The account; None without a name, which stands for the command line. Raises `CommandError` with exit code 2 for
    an unknown one."""
    if name is None:
        return None
    user = get_user_model().objects.filter(username=name).first()
    if user is None:
        raise CommandError(f"There is no user {name!r}.", returncode=2)
    return user
