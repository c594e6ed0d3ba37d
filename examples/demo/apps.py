"""The demo as an app of the site: whoever signs in first is given examples of what an account has."""

from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.db import transaction
from django.db.models.signals import post_save


class DemoConfig(AppConfig):
    """Waits for the first account."""

    name = "examples.demo"

    def ready(self) -> None:
        """Watch the accounts: there is none when the demo's other rows are made."""
        post_save.connect(_greet, sender=settings.AUTH_USER_MODEL)


def _greet(instance: Any, *, created: bool, **_: Any) -> None:
    from examples.demo.belongings import give

    if created and instance.is_superuser and not type(instance).objects.exclude(pk=instance.pk).exists():
        transaction.on_commit(lambda: give(instance), robust=True)
