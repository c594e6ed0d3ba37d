"""Settings for tests: an environment without the developer's variables, and a data folder per test run."""

import atexit
import os
import shutil
import tempfile

from tests.memory_folder import keep_temporary_files_in_memory

for name in [name for name in os.environ if name.startswith("AGENTSITE_") or name.endswith("_API_KEY")]:
    del os.environ[name]
for name in ("HOST", "PORT", "DATABASE_URL", "REDIS_URL"):
    os.environ.pop(name, None)

keep_temporary_files_in_memory()
_data = tempfile.mkdtemp(prefix="agentsite-test-")
atexit.register(shutil.rmtree, _data, ignore_errors=True)
os.environ["AGENTSITE_DATA"] = _data

from agentsite.settings import *  # noqa: E402, F403 (the environment has to be ready first)

# Slow password hashing protects the product; in tests it would only cost time.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# The manifest exists only after static files were collected; `tests/project` tries that on a real server.
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_AUTOREFRESH = True
