"""A job that floods one of its outputs: the request names it, and says how many MiB."""

import os

OUTPUTS = {b"stdout": 1, b"stderr": 2}


def run(request: bytes) -> bytes:
    """Write the flood, and answer."""
    name, mib = request.split()
    piece = b"n" * (1 << 20)
    for _ in range(int(mib)):
        left = memoryview(piece)
        while left:
            left = left[os.write(OUTPUTS[name], left) :]
    return b"after the flood"
