"""The app of the control room."""

from django.apps import AppConfig


class RunsConfig(AppConfig):
    """Agents, runs, steps, and the rooms around them."""

    default_auto_field = "django.db.models.BigAutoField"
    name = "runs"
