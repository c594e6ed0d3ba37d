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
    env_services,
    env_text,
    env_time_zone,
    env_token,
    env_url,
    env_usd,
    env_webhook,
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
    "runs.web.outage.OutageMiddleware",
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
                "runs.web.waiting.count_for_pages",
            ]
        },
    }
]

# --- The truth and the doorbell ----------------------------------------------------------------------------------

_SERVICES = env_services("DATABASE_URL", "REDIS_URL")
IS_SCALE_OUT = _SERVICES is not None
"""True where any number of processes work together: Postgres keeps the runs, Redis rings, `manage.py worker` hosts."""

if _SERVICES is None:
    _DATABASE: dict[str, Any] = {
        "ENGINE": "runs.engine.sqlite",
        "NAME": DATA_DIR / "agentsite.sqlite3",
        "OPTIONS": {
            "timeout": 20,
            # A transaction that reads first and writes later would otherwise fail at once with "database is locked".
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
        },
        # A file: threads of their own connections cannot share an in-memory database in WAL mode.
        "TEST": {"NAME": DATA_DIR / "test.sqlite3"},
    }
    _LAYER: dict[str, Any] = {
        "BACKEND": "channels.layers.InMemoryChannelLayer",
        # The layer drops silently above its capacity. A lost ring costs a slow poll, so make it rare.
        "CONFIG": {"capacity": 10_000},
    }
    # It holds what was counted for limits. Beyond so many it forgets at random.
    _CACHE: dict[str, Any] = {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
else:
    _DATABASE = _SERVICES.database
    _LAYER = {
        "BACKEND": "runs.redis_layer.RedisLayer",
        "CONFIG": {
            # No timeout for reading: between two messages a subscription is silent for as long as it likes.
            "hosts": [{"address": _SERVICES.redis_url, "socket_timeout": None, "socket_connect_timeout": 5}],
            "prefix": env_text("AGENTSITE_REDIS_PREFIX", "agentsite"),
        },
    }
    _CACHE = {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": _SERVICES.redis_url,
        "KEY_PREFIX": env_text("AGENTSITE_REDIS_PREFIX", "agentsite"),
        # Counting for a limit is not worth waiting for.
        "OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1},
    }
    INSTALLED_APPS.append("procrastinate.contrib.django")
    PROCRASTINATE_IMPORT_PATHS = ["runs.engine.jobs"]
# One transaction per request would hold the only write lock while a page renders.
DATABASES = {"default": {**_DATABASE, "ATOMIC_REQUESTS": False}}
CHANNEL_LAYERS = {"default": _LAYER}
CACHES = {"default": _CACHE}

AGENTSITE_MAX_RUNS = env_int("AGENTSITE_MAX_RUNS", 2000, minimum=1, maximum=100_000)
"""Runs one process hosts at once; the others wait in the queue."""
AGENTSITE_WORKER_RUNS = env_int("AGENTSITE_WORKER_RUNS", 300, minimum=1, maximum=100_000)
"""Runs one `manage.py worker` hosts at once."""
AGENTSITE_MAX_RUNS_AT_ONCE_PER_USER = (
    env_int("AGENTSITE_MAX_RUNS_AT_ONCE_PER_USER", 0, minimum=0, maximum=100_000) or None
)
"""Runs of one person that are hosted at once, the others wait in the queue; None for no limit."""
AGENTSITE_LEASE_S = env_int("AGENTSITE_LEASE_S", 30, minimum=1, maximum=3600)
"""How long a run is a worker's without hearing from it. Then another one takes it over. On Postgres only."""
AGENTSITE_MAX_SOCKETS_PER_USER = env_int("AGENTSITE_MAX_SOCKETS_PER_USER", 1000, minimum=1, maximum=100_000)
"""Sockets one person may hold in all, dashboards included."""
AGENTSITE_MAX_SOCKETS_PER_USER_RUN = env_int("AGENTSITE_MAX_SOCKETS_PER_USER_RUN", 1000, minimum=1, maximum=100_000)
"""Sockets one person may hold to one run."""
AGENTSITE_LAUNCHES_PER_MINUTE = env_int("AGENTSITE_LAUNCHES_PER_MINUTE", 600, minimum=1, maximum=1_000_000)
"""Runs one person may launch in a minute, from pages and programs together."""
AGENTSITE_MAX_QUEUED = env_int("AGENTSITE_MAX_QUEUED", 1000, minimum=1, maximum=1_000_000)
"""Runs one person may have waiting in the queue."""
AGENTSITE_API_REQUESTS_PER_MINUTE = env_int("AGENTSITE_API_REQUESTS_PER_MINUTE", 3000, minimum=1, maximum=10_000_000)
"""Requests to the API one token, or one person without, may send in a minute."""
AGENTSITE_TOOLS = env_modules("AGENTSITE_TOOLS")
"""Modules with tools of your own, imported at the start."""
AGENTSITE_ENDPOINTS = env_endpoints("AGENTSITE_ENDPOINTS")
"""Model servers of your own; the agent core reads the same variable."""

AGENTSITE_KEEP_DAYS = env_int("AGENTSITE_KEEP_DAYS", 0, minimum=0, maximum=36_500) or None
"""How long `manage.py prune` keeps finished runs; None for ever."""
AGENTSITE_METRICS_PORT = (
    env_int("AGENTSITE_METRICS_PORT", 0, minimum=0, maximum=65535) if env_text("AGENTSITE_METRICS_PORT") else None
)
"""Where a worker answers /healthz, /readyz and /metrics; None for nowhere."""
AGENTSITE_METRICS_TOKEN = env_token("AGENTSITE_METRICS_TOKEN")
"""Who has it may read /metrics; without one there is no such page."""

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
    # Asked from inside, by whoever watches the process, past the proxy.
    SECURE_REDIRECT_EXEMPT = ["^healthz$", "^readyz$", "^metrics$"]
# HSTS for sub-domains and the preload list would speak for hosts that are not ours.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]

DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
"""The longest body of a request; the server refuses a longer one while it comes (`runs.management.bodies`). A task may
have 256 KiB, and a form's encoding makes up to three bytes of one."""

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
_LOG_FORMAT = env_choice("AGENTSITE_LOG_FORMAT", "line", ["line", "json"])
LOGGING = {
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
    },
    # Standard output belongs to the sign-in line and to what commands print.
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": _LOG_FORMAT}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "agentsite": {"level": _LOG_LEVEL},
        "runs": {"level": _LOG_LEVEL},
        # Django's own handlers would say it twice, and mail it to nobody.
        "django": {"handlers": [], "level": "WARNING", "propagate": True},
        # Every closed tab and mistyped address is a warning to it.
        "django.request": {"level": "ERROR", "filters": ["without_readiness"]},
        # Anybody can send these; one line tells whoever forgot AGENTSITE_ALLOWED_HOSTS.
        "django.security.DisallowedHost": {"filters": ["without_traceback"]},
        "django.security.RequestDataTooBig": {"filters": ["without_traceback"]},
        "django.security.TooManyFieldsSent": {"filters": ["without_traceback"]},
        "django.security.TooManyFilesSent": {"filters": ["without_traceback"]},
        # Told of reads and writes after a viewer has left.
        "daphne": {"level": "ERROR"},
    },
}
