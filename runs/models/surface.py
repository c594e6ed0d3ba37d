"""The surface: where a person decided about a call, or answered a question. Each is a view of the one row."""

from django.db import models
from django.utils.translation import gettext_lazy


class Surface(models.TextChoices):
    """Where it was decided. The labels are parts of sentences."""

    PAGE = "page", gettext_lazy("on the run's page")
    INBOX = "inbox", gettext_lazy("in the inbox")
    API = "api", gettext_lazy("over the API")
    AGUI = "agui", gettext_lazy("over AG-UI")
    MCP = "mcp", gettext_lazy("over MCP")
    TERMINAL = "terminal", gettext_lazy("on the command line")
    MAIL = "mail", gettext_lazy("by a link in a mail")
    SLACK = "slack", gettext_lazy("in Slack")
