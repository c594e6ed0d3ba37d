"""Which records are logged, and where."""

from typing import Any


def logging_settings(*, level: str, line_format: str) -> dict[str, Any]:
    """Django's `LOGGING`. `level`: of the site's own loggers. `line_format`: `line` or `json`, one record a line."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": "agentsite.logs.OneLineFormatter",
                "format": "%(asctime)s %(levelname)s %(name)s%(about)s: %(message)s",
            },
            "json": {"()": "agentsite.logs.JsonLineFormatter"},
        },
        "filters": {
            "without_traceback": {"()": "agentsite.logs.WithoutTraceback"},
            "without_readiness": {"()": "agentsite.logs.WithoutReadiness"},
            "names_our_setting": {"()": "agentsite.logs.NamesOurSetting"},
        },
        # Standard output is for the sign-in line and the output of commands.
        "handlers": {"stderr": {"class": "agentsite.logs.Handler", "formatter": line_format}},
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {
            "agentsite": {"level": level},
            "runs": {"level": level},
            # Django's own handlers would log it twice, and mail it to nobody.
            "django": {"handlers": [], "level": "WARNING", "propagate": True},
            # Django logs a warning for every closed tab and every mistyped address.
            "django.request": {"level": "ERROR", "filters": ["without_readiness"]},
            # Any client can cause these; one line helps the operator who forgot AGENTSITE_ALLOWED_HOSTS.
            "django.security.DisallowedHost": {"filters": ["without_traceback", "names_our_setting"]},
            "django.security.RequestDataTooBig": {"filters": ["without_traceback"]},
            "django.security.TooManyFieldsSent": {"filters": ["without_traceback"]},
            "django.security.TooManyFilesSent": {"filters": ["without_traceback"]},
            # It warns of reads and writes after a viewer has left.
            "daphne": {"level": "ERROR"},
        },
    }
