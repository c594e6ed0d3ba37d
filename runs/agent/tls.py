"""The TLS context that all HTTP clients share."""

import ssl
from functools import cache

import httpx2


@cache
def tls_context() -> ssl.SSLContext:
    """One for a process: to read the certificates takes tens of milliseconds, in which an event loop stands still.

    `SSL_CERT_FILE` and `SSL_CERT_DIR` are read when it is made.
    """
    return httpx2.create_ssl_context()
