"""The site's settings for tests: an environment nobody else has touched, and a data folder of this run's own."""

import atexit
import os
import shutil
import tempfile

for name in [name for name in os.environ if name.startswith("AGENTSITE_") or name.endswith("_API_KEY")]:
    del os.environ[name]
for name in ("HOST", "PORT", "DATABASE_URL", "REDIS_URL"):
    os.environ.pop(name, None)

_data = tempfile.mkdtemp(prefix="agentsite-test-")
atexit.register(shutil.rmtree, _data, ignore_errors=True)
os.environ["AGENTSITE_DATA"] = _data

from agentsite.settings import *  # noqa: E402, F403 (the environment has to be ready first)

# Hashing passwords slowly is the product's virtue and only the tests' cost.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# The manifest exists once static files have been collected, which `tests/project` tries on a real server.
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_AUTOREFRESH = True
