"""All settings, from the environment. An invalid value stops the start with one line."""

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
    env_modules,
    env_people,
    env_text,
    env_time_zone,
    env_token,
    env_url,
    env_usd,
    env_webhook,
)
from agentsite.environment_services import env_mail_server, env_services
from agentsite.environment_tools import (
    env_api_secrets,
    env_hosts,
    env_http_hosts,
    env_mcp_clients,
    env_mcp_hosts,
    env_mcp_servers,
    env_search,
    env_services_of_apprise,
    env_skills,
)
from agentsite.log_settings import logging_settings
from agentsite.origins import env_origins, env_proxies
from agentsite.secret_key import env_secret_key

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = env_folder("AGENTSITE_DATA", BASE_DIR / "var")
"""Everything the site writes: the database, the secret key, collected static files, the host's lock."""

# --- Addresses ---------------------------------------------------------------------------------------------------

HOST = env_text("HOST", "127.0.0.1")
PORT = env_int("PORT", 8000, minimum=0, maximum=65535)
"""0 takes any free port; the line printed at the start names it."""
AGENTSITE_URL = env_url("AGENTSITE_URL")
"""The site's public origin, behind a proxy; https enables secure cookies, HSTS and redirects."""
_IS_HTTPS = AGENTSITE_URL.startswith("https://")
AGENTSITE_TRUSTED_PROXIES = env_proxies("AGENTSITE_TRUSTED_PROXIES")
"""The proxies whose `X-Forwarded-For` or `Forwarded` names the client; without any, the client is the socket's peer."""
AGENTSITE_MAX_CONNECTIONS = env_int("AGENTSITE_MAX_CONNECTIONS", 4000, minimum=10, maximum=1_000_000)
"""Maximum of open connections; lower if the process may open fewer files."""
AGENTSITE_MAX_CONNECTIONS_PER_ADDRESS = env_int(
    "AGENTSITE_MAX_CONNECTIONS_PER_ADDRESS", 100, minimum=1, maximum=1_000_000
)
"""Maximum of idle connections of one address (see `connection_limits.py`); those of trusted proxies do not count."""
AGENTSITE_CORS_ORIGINS = env_origins("AGENTSITE_CORS_ORIGINS")
"""Origins of other sites whose pages may use the API with a token; never with this site's cookies."""

DEBUG = env_bool("AGENTSITE_DEBUG")
SECRET_KEY = env_secret_key("AGENTSITE_SECRET_KEY", DATA_DIR / "secret_key")


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

# --- Components --------------------------------------------------------------------------------------------------

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
    *AGENTSITE_APPS,
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    # Before WhiteNoise, so that static files carry the policy too.
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    # Before what may refuse a request with a page.
    "runs.web.language_choice.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "runs.web.cache_headers.PrivacyMiddleware",
    "runs.web.outage_page.OutageMiddleware",
]
if AGENTSITE_CORS_ORIGINS:
    INSTALLED_APPS.append("corsheaders")
    # First: a preflight needs none of the others, and their refusals must be readable too.
    MIDDLEWARE.insert(0, "corsheaders.middleware.CorsMiddleware")
CORS_ALLOWED_ORIGINS = AGENTSITE_CORS_ORIGINS
CORS_ALLOW_CREDENTIALS = False
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_METHODS = ["GET", "HEAD", "POST", "OPTIONS"]
CORS_ALLOW_HEADERS = ["accept", "authorization", "content-type", "idempotency-key"]
CORS_EXPOSE_HEADERS = [
    "Allow",
    "Content-Disposition",
    "Idempotent-Replayed",
    "Location",
    "Retry-After",
    "WWW-Authenticate",
]
CORS_PREFLIGHT_MAX_AGE = 600
ROOT_URLCONF = "agentsite.urls"
ASGI_APPLICATION = "agentsite.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "agentsite.templates.PlainNumbers",
        "NAME": "django",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    ["agentsite.templates.Unindented", "django.template.loaders.app_directories.Loader"],
                )
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "runs.web.pending_calls.count_for_pages",
                "runs.web.navigation.frame_of_pages",
            ],
            "libraries": {"lucide": "agentsite.icons"},
        },
    }
]

# --- Database and channel layer ----------------------------------------------------------------------------------

_SERVICES = env_services("DATABASE_URL", "REDIS_URL")
IS_SCALE_OUT = _SERVICES is not None
"""True for any number of processes: Postgres keeps the runs, Redis carries the doorbell, `manage.py worker` hosts."""

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
        # A file: threads with connections of their own cannot share an in-memory database in WAL mode.
        "TEST": {"NAME": DATA_DIR / "test.sqlite3"},
    }
    _LAYER: dict[str, Any] = {
        "BACKEND": "channels.layers.InMemoryChannelLayer",
        # The layer drops silently above its capacity. A lost ring costs a slow poll, so make it rare.
        "CONFIG": {"capacity": 10_000},
    }
    # The counters of throttles. Above the maximum, entries are dropped at random.
    _CACHE: dict[str, Any] = {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
else:
    _DATABASE = _SERVICES.database
    _LAYER = {
        "BACKEND": "runs.redis_layer.RedisLayer",
        "CONFIG": {
            # No read timeout: a subscription may be silent between two messages for any time.
            "hosts": [{"address": _SERVICES.redis_url, "socket_timeout": None, "socket_connect_timeout": 5}],
            "prefix": env_text("AGENTSITE_REDIS_PREFIX", "agentsite"),
        },
    }
    _CACHE = {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": _SERVICES.redis_url,
        "KEY_PREFIX": env_text("AGENTSITE_REDIS_PREFIX", "agentsite"),
        # A throttle is not worth waiting for.
        "OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1},
    }
    INSTALLED_APPS.append("procrastinate.contrib.django")
    PROCRASTINATE_IMPORT_PATHS = ["runs.engine.queueing.jobs"]
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
"""Runs of one person hosted at once; the others wait in the queue. None for no limit."""
AGENTSITE_LEASE_S = env_int("AGENTSITE_LEASE_S", 30, minimum=1, maximum=3600)
"""How long a worker's claim holds without a renewal; then another worker takes the run over. Postgres only."""
AGENTSITE_MAX_SOCKETS_PER_USER = env_int("AGENTSITE_MAX_SOCKETS_PER_USER", 1000, minimum=1, maximum=100_000)
"""Sockets of one person in all, dashboards included."""
AGENTSITE_MAX_SOCKETS_PER_USER_RUN = env_int("AGENTSITE_MAX_SOCKETS_PER_USER_RUN", 1000, minimum=1, maximum=100_000)
"""Sockets of one person to one run."""
AGENTSITE_MAX_STREAMS_PER_USER = env_int("AGENTSITE_MAX_STREAMS_PER_USER", 200, minimum=1, maximum=100_000)
"""Runs one person may follow over AG-UI at once."""
AGENTSITE_MAX_EXPORTS_PER_USER = env_int("AGENTSITE_MAX_EXPORTS_PER_USER", 20, minimum=1, maximum=100_000)
"""Exports one person may download at once."""
AGENTSITE_UNREAD_LIMIT_S = env_int("AGENTSITE_UNREAD_LIMIT_S", 60, minimum=1, maximum=3600)
"""How long a connection may leave sent data unread."""
AGENTSITE_BODY_LIMIT_S = env_int("AGENTSITE_BODY_LIMIT_S", 60, minimum=1, maximum=3600)
"""How long the body of a request may take to arrive."""
AGENTSITE_LAUNCHES_PER_MINUTE = env_int("AGENTSITE_LAUNCHES_PER_MINUTE", 600, minimum=1, maximum=1_000_000)
"""Runs one person may launch in a minute, from pages and programs together."""
AGENTSITE_MAX_QUEUED = env_int("AGENTSITE_MAX_QUEUED", 1000, minimum=1, maximum=1_000_000)
"""Queued runs of one person."""
AGENTSITE_API_REQUESTS_PER_MINUTE = env_int("AGENTSITE_API_REQUESTS_PER_MINUTE", 3000, minimum=1, maximum=10_000_000)
"""API requests a minute, per token, or per person without one."""
AGENTSITE_DELIVERIES_PER_MINUTE = env_int("AGENTSITE_DELIVERIES_PER_MINUTE", 600, minimum=1, maximum=1_000_000)
"""Proven requests to one trigger in a minute."""
AGENTSITE_DECISION_LINK_HOURS = env_int("AGENTSITE_DECISION_LINK_HOURS", 72, minimum=1, maximum=720)
"""How long a link by which a person decides about a call without a sign-in is good."""
AGENTSITE_FILES_MIB_PER_USER = env_int("AGENTSITE_FILES_MIB_PER_USER", 1024, minimum=0, maximum=10**9)
"""MiB of files one person may keep: documents given to runs, not those of libraries, and artifacts of their runs."""
AGENTSITE_TOOLS = env_modules("AGENTSITE_TOOLS")
"""Modules with tools of your own, imported at the start."""
AGENTSITE_FETCH_HOSTS = env_hosts("AGENTSITE_FETCH_HOSTS")
"""Hosts that tools may fetch from although they are not on the public internet; the agent core reads it too."""
AGENTSITE_WEBHOOK_HOSTS = env_hosts("AGENTSITE_WEBHOOK_HOSTS")
"""Hosts that webhooks may be sent to although they are not on the public internet."""
AGENTSITE_PUSH_HOSTS = env_hosts("AGENTSITE_PUSH_HOSTS")
"""Push services besides those of the browsers' makers."""
AGENTSITE_SLACK_API = env_url("AGENTSITE_SLACK_API") or "https://slack.com"
"""Where Slack's API is: `/api/` below it."""
AGENTSITE_APPRISE_SERVICES = env_services_of_apprise("AGENTSITE_APPRISE_SERVICES")
"""The services of Apprise that people may be told by: those over HTTP, unless others are named."""
AGENTSITE_HTTP_HOSTS = env_http_hosts("AGENTSITE_HTTP_HOSTS")
"""APIs that the tool http_request may call; the agent core reads it too."""
AGENTSITE_API_SECRETS = env_api_secrets("AGENTSITE_API_SECRETS")
"""Secrets that calls of APIs may carry: names of variables by origin; the agent core reads it too."""
AGENTSITE_MCP_SERVERS = env_mcp_servers("AGENTSITE_MCP_SERVERS")
"""MCP servers that are started as processes, by name."""
AGENTSITE_MCP_HOSTS = env_mcp_hosts("AGENTSITE_MCP_HOSTS")
"""Origins of MCP servers that get headers, or are not on the public internet; the agent core hides their secrets."""
AGENTSITE_MCP_CLIENTS = env_mcp_clients("AGENTSITE_MCP_CLIENTS")
"""OAuth clients for authorization servers of MCP servers that register none by themselves, by issuer."""
AGENTSITE_SEARCH = env_search()
"""The services that the tool web_search asks, in order; the agent core reads their settings too."""
AGENTSITE_SKILLS = env_skills("AGENTSITE_SKILLS")
"""The skills in the folder of that name, read at the start."""
AGENTSITE_ENDPOINTS = env_endpoints("AGENTSITE_ENDPOINTS")
"""Model servers of your own; the agent core reads the same variable."""

AGENTSITE_KEEP_DAYS = env_int("AGENTSITE_KEEP_DAYS", 0, minimum=0, maximum=36_500) or None
"""How long `manage.py prune` keeps finished runs; None: indefinitely."""
AGENTSITE_METRICS_PORT = (
    env_int("AGENTSITE_METRICS_PORT", 0, minimum=0, maximum=65535) if env_text("AGENTSITE_METRICS_PORT") else None
)
"""Where a worker answers /healthz, /readyz and /metrics; None for nowhere."""
AGENTSITE_METRICS_TOKEN = env_token("AGENTSITE_METRICS_TOKEN")
"""The bearer token for /metrics; without one the page does not exist."""

# --- Budgets and alerts ------------------------------------------------------------------------------------------

AGENTSITE_DAILY_USD_PER_USER = env_usd("AGENTSITE_DAILY_USD_PER_USER")
AGENTSITE_DAILY_TOKENS_PER_USER = env_int("AGENTSITE_DAILY_TOKENS_PER_USER", 0, minimum=0, maximum=10**12) or None
"""Limits on all runs of one person in a day (UTC); None for no limit. Replies of unknown cost count as tokens only."""
AGENTSITE_ALERT_WEBHOOK = env_webhook("AGENTSITE_ALERT_WEBHOOK")
"""Gets critical errors by POST, besides the mail to `ADMINS`. The address is a secret."""
ADMINS = env_people("AGENTSITE_ADMINS")
_MAIL = env_mail_server("AGENTSITE_MAIL_SERVER")
EMAIL_HOST, EMAIL_PORT, EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _MAIL.host, _MAIL.port, _MAIL.user, _MAIL.password
EMAIL_USE_TLS, EMAIL_USE_SSL = _MAIL.starts_tls, _MAIL.is_tls
EMAIL_TIMEOUT = 10
EMAIL_SUBJECT_PREFIX = "[Agentsite] "
SERVER_EMAIL = DEFAULT_FROM_EMAIL = env_text("AGENTSITE_MAIL_FROM", "agentsite@localhost")

# --- Users -------------------------------------------------------------------------------------------------------

LOGIN_URL = "/accounts/login/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = LOGIN_URL
CSRF_FAILURE_VIEW = "runs.web.error_pages.csrf_failure"
PASSWORD_HASHERS = ["agentsite.hashers.PasswordHasher", "agentsite.hashers.PBKDF2PasswordHasher"]
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
        "worker-src": [SELF],
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
    # Browsers enforce this prefix: Secure, no Domain, path /. It needs https.
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    # This process speaks plain http behind the proxy; without the header every page would redirect to itself.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    # Requested from inside, past the proxy, by supervisors.
    SECURE_REDIRECT_EXEMPT = ["^healthz$", "^readyz$", "^metrics$"]
# HSTS for sub-domains and the preload list would affect hosts that are not ours.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]

DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
"""The longest body of a request; the server refuses a longer one while it arrives (`site_request.py`). A task may
have 256 KiB, and a form's encoding makes up to three bytes of one."""

STATIC_URL = "/static/"
WHITENOISE_ALLOW_ALL_ORIGINS = False
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "agentsite.static_files.HashedFilesStorage"},
}

# --- Language, time, logs ----------------------------------------------------------------------------------------

USE_I18N = True
AGENTSITE_LANGUAGES = {"en": "English", "de": "Deutsch", "zh-hans": "简体中文"}
"""The languages of the pages (`locale/`), each by its own name."""
LANGUAGE_CODE = env_choice("AGENTSITE_LANGUAGE", "en", [code for code, _ in _LANGUAGES_OF_DJANGO])
"""For readers whose browsers ask for none of these. In another one of Django's languages the admin and the messages
of forms are translated, and the pages are in English."""
LANGUAGES = list({**AGENTSITE_LANGUAGES, LANGUAGE_CODE: AGENTSITE_LANGUAGES.get(LANGUAGE_CODE, LANGUAGE_CODE)}.items())
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGE_COOKIE_NAME = "language"
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_SECURE = _IS_HTTPS
USE_TZ = True
TIME_ZONE = env_time_zone("AGENTSITE_TIME_ZONE", "UTC")

LOGGING = logging_settings(
    level=env_choice("AGENTSITE_LOG_LEVEL", "INFO", ["DEBUG", "INFO", "WARNING", "ERROR"]),
    line_format=env_choice("AGENTSITE_LOG_FORMAT", "line", ["line", "json"]),
)
