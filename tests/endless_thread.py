"""A module of tools whose import starts a thread that never ends."""

import concurrent.futures
import threading

concurrent.futures.ThreadPoolExecutor().submit(threading.Event().wait)
