"""The companies whose models are called `<company>:<model>`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Hosted:
    """A company whose models are called `<name>:<model>`."""

    name: str
    base_url: str
    key_envs: tuple[str, ...]
    """The environment variables that may hold its key; the first that is set counts."""
    base_url_env: str
    """The variable that sends its requests elsewhere, to a proxy that speaks the same."""

    def key(self, environ: Mapping[str, str]) -> str | None:
        """Its key, if one is set."""
        return next((key for name in self.key_envs if (key := environ.get(name, "").strip())), None)

    def address(self, environ: Mapping[str, str]) -> str:
        """Where its requests go."""
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
"""Names no server of one's own may have."""
