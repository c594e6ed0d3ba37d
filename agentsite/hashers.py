"""How passwords are kept."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class PasswordHasher(Argon2PasswordHasher):
    """Argon2id with 19 MiB, two passes and one lane: the least that OWASP's password storage guidance asks for.

    A sign-in shares the processor with the runs of this process. This costs an attacker's hardware more than Django's
    default does, and the site a tenth of its time. Passwords kept with other settings are kept anew at their next use.
    """

    time_cost = 2
    memory_cost = 19_456
    parallelism = 1
