"""Settings about proxies in front of the site, and other sites that may call it."""

from urllib.parse import urlsplit

from agentsite.environment import env_list, env_text, refuse
from runs.client_address import TrustedProxies


def env_proxies(name: str) -> TrustedProxies:
    """The number of proxies in a row, or their addresses and networks, comma-separated."""
    text = env_text(name, "0")
    try:
        return TrustedProxies.parse(text)
    except ValueError:
        accepted = "expected the number of proxies in a row, or their addresses, such as 127.0.0.1,10.0.0.0/8."
        refuse(name, text, accepted)


def env_origins(name: str) -> list[str]:
    """Comma-separated origins, each exactly `https://host[:port]` or `http://host[:port]`, lower case."""
    origins = [origin.rstrip("/").lower() for origin in env_list(name)]
    for origin in origins:
        if not _is_origin(origin):
            refuse(name, origin, "expected exact origins separated by commas, such as https://app.example.org; no `*`.")
    return list(dict.fromkeys(origins))


def _is_origin(text: str) -> bool:
    try:
        parts = urlsplit(text)
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    default = {"http": ":80", "https": ":443"}.get(parts.scheme, "")
    # A browser's Origin has neither the default port nor a user or a path.
    return (
        is_usable
        and text == f"{parts.scheme}://{parts.netloc}"
        and "*" not in text
        and "@" not in text
        and not (text.endswith(default))
    )
