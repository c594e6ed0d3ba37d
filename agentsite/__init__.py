"""The Django project: settings, addresses, and what every process of the site sets up first."""

import os

# Autobahn's C code releases the interpreter six times a frame, and while another thread computes it takes up to 5 ms
# each time to get it back. The frames of browsers are some 20 bytes: Python unmasks them in microseconds.
os.environ.setdefault("AUTOBAHN_USE_NVX", "0")
