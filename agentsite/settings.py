"""All settings, from the environment. A value that makes no sense stops the start with one line."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from csp.constants import NONE, SELF
from django.conf.global_settings import LANGUAGES as _LANGUAGES_OF_DJANGO

from agentsite.environment import (
    env_apps,
    env_bool,
    env_choice,
    env_endpoints,
    env_folder,
    env_int,
    env_list,
    env_mail_server,
    env_modules,
    env_people,
    env_text,
    env_time_zone,
    env_url,
    env_usd,
    env_webhook,
    refuse,
    secret_in,
)

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = env_folder("AGENTSITE_DATA", BASE_DIR / "var")
"""Everything the site writes: the database, the secret key, collected static files, the host's lock."""

# --- Where it serves ---------------------------------------------------------------------------------------------

HOST = env_text("HOST", "127.0.0.1")
PORT = env_int("PORT", 8000, minimum=0, maximum=65535)
"""0 takes any free port; the line printed at the start says which."""
AGENTSITE_URL = env_url("AGENTSITE_URL")
"""The origin people type, if a proxy stands before us; https turns on everything that needs it."""
_IS_HTTPS = AGENTSITE_URL.startswith("https://")

DEBUG = env_bool("AGENTSITE_DEBUG")
SECRET_KEY = env_text("AGENTSITE_SECRET_KEY") or secret_in(DATA_DIR / "secret_key")


def _host_header(host: str) -> str:
    return f"[{host}]" if ":" in host else host


ALLOWED_HOSTS = list(
    dict.fromkeys(
        [
            "127.0.0.1",
            "localhost",
            "[::1]",
            _host_header(HOST),
            *([_host_header(urlsplit(AGENTSITE_URL).hostname or "")] if AGENTSITE_URL else []),
            *env_list("AGENTSITE_ALLOWED_HOSTS"),
        ]
    )
)
CSRF_TRUSTED_ORIGINS = [AGENTSITE_URL] if AGENTSITE_URL else []

# --- What it is made of ------------------------------------------------------------------------------------------

AGENTSITE_APPS = env_apps("AGENTSITE_APPS")
"""Django apps of your own; the tools in their `agent_tools.py` are found at the start."""
INSTALLED_APPS = [
    "runs",
    "daphne",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "django_htmx",
    "csp",
    "lucide",
    *AGENTSITE_APPS,
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    # Before WhiteNoise, so that static files carry the policy too.
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "agentsite.urls"
ASGI_APPLICATION = "agentsite.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# --- The truth and the doorbell ----------------------------------------------------------------------------------

for _name in ("DATABASE_URL", "REDIS_URL"):
    if env_text(_name):
        # Not the value: it usually holds a password.
        refuse(_name, "…", f"this version keeps its runs in SQLite under {DATA_DIR} only; unset {_name}.")

DATABASES: dict[str, Any] = {
    "default": {
        "ENGINE": "runs.engine.sqlite",
        "NAME": DATA_DIR / "agentsite.sqlite3",
        # One transaction per request would hold the only write lock while a page renders.
        "ATOMIC_REQUESTS": False,
        "OPTIONS": {
            "timeout": 20,
            # A transaction that reads first and writes later would otherwise fail at once with "database is locked".
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
        },
        # A file: threads of their own connections cannot share an in-memory database in WAL mode.
        "TEST": {"NAME": DATA_DIR / "test.sqlite3"},
    }
}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels.layers.InMemoryChannelLayer",
        # The layer drops silently above its capacity. A lost ring costs a slow poll, so make it rare.
        "CONFIG": {"capacity": 10_000},
    }
}
AGENTSITE_MAX_RUNS = env_int("AGENTSITE_MAX_RUNS", 2000, minimum=1, maximum=100_000)
"""Runs one process hosts at once; the others wait in the queue."""
AGENTSITE_MAX_SOCKETS_PER_USER = env_int("AGENTSITE_MAX_SOCKETS_PER_USER", 1000, minimum=1, maximum=100_000)
"""Sockets one person may hold in all, dashboards included."""
AGENTSITE_MAX_SOCKETS_PER_USER_RUN = env_int("AGENTSITE_MAX_SOCKETS_PER_USER_RUN", 1000, minimum=1, maximum=100_000)
"""Sockets one person may hold to one run."""
AGENTSITE_TOOLS = env_modules("AGENTSITE_TOOLS")
"""Modules with tools of your own, imported at the start."""
AGENTSITE_ENDPOINTS = env_endpoints("AGENTSITE_ENDPOINTS")
"""Model servers of your own; the agent core reads the same variable."""

# --- Money and alarms --------------------------------------------------------------------------------------------

AGENTSITE_DAILY_USD_PER_USER = env_usd("AGENTSITE_DAILY_USD_PER_USER")
AGENTSITE_DAILY_TOKENS_PER_USER = env_int("AGENTSITE_DAILY_TOKENS_PER_USER", 0, minimum=0, maximum=10**12) or None
"""What the runs of one person may use in a day (UTC); None for no limit. Replies of unknown cost cost nothing here."""
AGENTSITE_ALERT_WEBHOOK = env_webhook("AGENTSITE_ALERT_WEBHOOK")
"""Is told of critical errors by a POST, besides the `ADMINS`. The address is a secret."""
ADMINS = env_people("AGENTSITE_ADMINS")
_MAIL = env_mail_server("AGENTSITE_MAIL_SERVER")
EMAIL_HOST, EMAIL_PORT, EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _MAIL.host, _MAIL.port, _MAIL.user, _MAIL.password
EMAIL_USE_TLS, EMAIL_USE_SSL = _MAIL.starts_tls, _MAIL.is_tls
EMAIL_TIMEOUT = 10
EMAIL_SUBJECT_PREFIX = "[Agentsite] "
SERVER_EMAIL = DEFAULT_FROM_EMAIL = env_text("AGENTSITE_MAIL_FROM", "agentsite@localhost")

# --- People ------------------------------------------------------------------------------------------------------

LOGIN_URL = "/accounts/login/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = LOGIN_URL
CSRF_FAILURE_VIEW = "runs.web.errors.csrf_failure"
PASSWORD_HASHERS = ["agentsite.hashers.PasswordHasher", "django.contrib.auth.hashers.PBKDF2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Browsers ----------------------------------------------------------------------------------------------------

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "font-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
CSRF_COOKIE_HTTPONLY = True

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = _IS_HTTPS
if _IS_HTTPS:
    # Browsers keep the promise of this prefix: Secure, no Domain, the whole site. Not to be had over plain http.
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    # This process speaks plain http, so whoever says https is the proxy; without it every page redirects to itself.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# HSTS for sub-domains and the preload list would speak for hosts that are not ours.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]

DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
"""A task may have 256 KiB, and a form's encoding makes up to three bytes of one."""

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "agentsite.static_files.HashedFilesStorage"},
}

# --- Language, time, logs ----------------------------------------------------------------------------------------

USE_I18N = True
LANGUAGE_CODE = env_choice("AGENTSITE_LANGUAGE", "en", [code for code, _ in _LANGUAGES_OF_DJANGO])
USE_TZ = True
TIME_ZONE = env_time_zone("AGENTSITE_TIME_ZONE", "UTC")

_LOG_LEVEL = env_choice("AGENTSITE_LOG_LEVEL", "INFO", ["DEBUG", "INFO", "WARNING", "ERROR"])
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"()": "agentsite.logs.OneLineFormatter", "format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}
    },
    "filters": {"without_traceback": {"()": "agentsite.logs.WithoutTraceback"}},
    # Standard output belongs to the sign-in line and to what commands print.
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "agentsite": {"level": _LOG_LEVEL},
        "runs": {"level": _LOG_LEVEL},
        # Django's own handlers would say it twice, and mail it to nobody.
        "django": {"handlers": [], "level": "WARNING", "propagate": True},
        # Every closed tab and mistyped address is a warning to it.
        "django.request": {"level": "ERROR"},
        # Anybody can send these; one line tells whoever forgot AGENTSITE_ALLOWED_HOSTS.
        "django.security.DisallowedHost": {"filters": ["without_traceback"]},
        "django.security.RequestDataTooBig": {"filters": ["without_traceback"]},
        "django.security.TooManyFieldsSent": {"filters": ["without_traceback"]},
        "django.security.TooManyFilesSent": {"filters": ["without_traceback"]},
        # Told of reads and writes after a viewer has left.
        "daphne": {"level": "ERROR"},
    },
}
