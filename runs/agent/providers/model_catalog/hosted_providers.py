"""The hosted providers: companies whose models are named `<company>:<model>`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Hosted:
    """A company whose models are named `<name>:<model>`."""

    name: str
    base_url: str
    key_envs: tuple[str, ...]
    """The environment variables for its key; the first one that is set is used."""
    base_url_env: str
    """The environment variable for another base URL, such as that of a compatible proxy."""

    def key(self, environ: Mapping[str, str]) -> str | None:
        """The key; None if no variable is set."""
        return next((key for name in self.key_envs if (key := environ.get(name, "").strip())), None)

    def address(self, environ: Mapping[str, str]) -> str:
        """The base URL of its requests."""
        return environ.get(self.base_url_env, "").strip() or self.base_url


HOSTED: Final = {
    hosted.name: hosted
    for hosted in (
        Hosted("openai", "https://api.openai.com/v1", ("OPENAI_API_KEY",), "OPENAI_BASE_URL"),
        Hosted("anthropic", "https://api.anthropic.com", ("ANTHROPIC_API_KEY",), "ANTHROPIC_BASE_URL"),
        Hosted(
            "google",
            "https://generativelanguage.googleapis.com",
            ("GOOGLE_API_KEY", "GEMINI_API_KEY"),
            "GOOGLE_GEMINI_BASE_URL",
        ),
    )
}
RESERVED: Final = ("offline", *HOSTED)
"""Names that a server of AGENTSITE_ENDPOINTS must not have."""
