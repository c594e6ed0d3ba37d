"""Idempotency keys: a launch that is requested twice happens once."""

from collections.abc import Callable
from typing import Any

from django.db import IntegrityError, transaction

from runs.models import IdempotencyKey, Run


class KeyReused(ValueError):
    """The key was sent before with another body, and nothing was launched."""


def launch_once(user: Any, key: str, body_hash: str, launch: Callable[[], Run]) -> tuple[Run, bool]:
    """The run that `launch` makes, and True; or the run made before with this key of the user, and False.

    Key and run are one transaction. Raises `KeyReused` if the key came with another `body_hash`, and what `launch`
    raises; the key is then free again.
    """
    try:
        with transaction.atomic():
            if (earlier := _run_of(user, key, body_hash)) is not None:
                return earlier, False
            run = launch()
            IdempotencyKey.objects.create(user=user, key=key, body_hash=body_hash, run=run)
            return run, True
    except IntegrityError:
        # Another request with the same key committed first; the run made here is rolled back.
        earlier = _run_of(user, key, body_hash)
        if earlier is None:
            raise
        return earlier, False


def _run_of(user: Any, key: str, body_hash: str) -> Run | None:
    used = IdempotencyKey.objects.select_related("run").filter(user=user, key=key).first()
    if used is not None and used.body_hash != body_hash:
        raise KeyReused("This key was sent before with something else.")
    return used.run if used else None
