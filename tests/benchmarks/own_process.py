"""One case of a benchmark in a process, a database and a data folder of its own."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
Figures = dict[str, float]


def figures_of(module: str, database: str, case: int, requests: int) -> dict[str, Figures]:
    """The figures that `python -m module --case … --requests …` prints as its last line, on `sqlite` or `postgres`."""
    from tests.services import own_services

    with own_services() as services, tempfile.TemporaryDirectory(prefix="agentsite-bench-") as folder:
        environment = os.environ | {"AGENTSITE_DATA": folder, "AGENTSITE_LOG_LEVEL": "WARNING"}
        environment.pop("DATABASE_URL", None)
        environment.pop("REDIS_URL", None)
        if database == "postgres":
            environment |= services.environment
        environment["DJANGO_SETTINGS_MODULE"] = "agentsite.settings"
        subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=environment, check=True)
        command = [sys.executable, "-m", module, "--case", str(case), "--requests", str(requests)]
        done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
        figures: dict[str, Figures] = json.loads(done.stdout.splitlines()[-1])
        return figures
