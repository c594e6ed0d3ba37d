"""A job whose module starts a thread when it is imported."""

import threading
import time

threading.Thread(target=time.sleep, args=[1000], daemon=True).start()


def run(request: bytes) -> bytes:
    """The request."""
    return request
