"""Password hashers."""

from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib.auth.hashers import Argon2PasswordHasher, BasePasswordHasher
from django.contrib.auth.hashers import PBKDF2PasswordHasher as _PBKDF2PasswordHasher

from runs.hash_pool import POOL

if TYPE_CHECKING:
    _Base = BasePasswordHasher
else:  # A mixin in front of one of Django's classes.
    _Base = object


class _InPool(_Base):
    """A hasher that works in the pool: a few at a time in this process.

    Its methods raise `HashBusy` if too many wait already.
    """

    def encode(self, *args: Any, **kwargs: Any) -> str:
        encoded: str = POOL.run(partial(super().encode, *args, **kwargs))
        return encoded

    def verify(self, *args: Any, **kwargs: Any) -> bool:
        is_right: bool = POOL.run(partial(super().verify, *args, **kwargs))
        return is_right

    def harden_runtime(self, *args: Any, **kwargs: Any) -> None:
        POOL.run(partial(super().harden_runtime, *args, **kwargs))


class PasswordHasher(_InPool, Argon2PasswordHasher):
    """Argon2id with 19 MiB, two passes and one lane: the least that OWASP's password storage guidance asks for.

    A sign-in shares the processor with the runs of this process. This costs an attacker's hardware more than Django's
    default does, and the site a tenth of its time. Passwords hashed with other settings are rehashed at their next use.
    """

    time_cost = 2
    memory_cost = 19_456
    parallelism = 1


class PBKDF2PasswordHasher(_InPool, _PBKDF2PasswordHasher):
    """For passwords hashed by another Django installation."""
