"""The headers of every response: pages, static files, and refusals of the server itself."""

from functools import cache

from csp.utils import build_policy
from django.conf import settings

_NOTHING_OF_THE_MACHINE = (
    "accelerometer",
    "camera",
    "display-capture",
    "geolocation",
    "gyroscope",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "screen-wake-lock",
    "usb",
)


@cache
def security_headers() -> tuple[tuple[str, str], ...]:
    """Name and value of each; a response keeps a header of the same name that it has."""
    headers = [
        ("Content-Security-Policy", build_policy()),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", settings.SECURE_REFERRER_POLICY),
        ("X-Frame-Options", settings.X_FRAME_OPTIONS),
        ("Cross-Origin-Opener-Policy", settings.SECURE_CROSS_ORIGIN_OPENER_POLICY),
        ("Permissions-Policy", ", ".join(f"{name}=()" for name in _NOTHING_OF_THE_MACHINE)),
    ]
    if settings.SECURE_HSTS_SECONDS:
        headers.append(("Strict-Transport-Security", f"max-age={settings.SECURE_HSTS_SECONDS}"))
    return tuple(headers)
