"""The question of a call that waits for a sign-in elsewhere: a person signs in, and the call is made."""

from typing import Final

SIGN_IN: Final = "sign_in"
"""The key of the question's `resume_state` that names the server to sign in at."""
SIGNED_IN, NOT_SIGNED_IN = "I have signed in", "Go on without it"
SIGN_IN_CHOICES: Final = (SIGNED_IN, NOT_SIGNED_IN)
