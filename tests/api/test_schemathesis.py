"""Generated requests against the API's own description: no server error, and no response it does not describe.

`SCHEMATHESIS=all` (in `make chaos`) generates many more, walks from one endpoint to the next, and includes streams.
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.live_site import LiveSite

IS_LONG = os.environ.get("SCHEMATHESIS") == "all"
LIMIT_S = 1200.0 if IS_LONG else 120.0

_PREPARE = """
import uuid
from django.contrib.auth.models import Permission, User
from runs.engine import control
from runs.models import ApiToken, Run, ToolCall
ada = User.objects.create_user("ada")
ada.user_permissions.set(Permission.objects.filter(codename__in=["view_agent", "add_agent", "change_agent"]))
run = control.launch(user=ada, task="What is 17 * 23?")
parked = Run.objects.create(user=ada, task="x", config=run.config, status="waiting", waiting_for="approval")
call = ToolCall.objects.create(call_id=uuid.uuid4(), run=parked, turn=1, index=0, tool_name="calculator", epoch=1,
    arguments={"expression": "6 * 7"}, arguments_hash="x", state="awaiting_approval")
print(ApiToken.issue(ada, name="x", scopes=["read", "launch", "approve", "edit"])[1], run.pk, call.pk)
"""


@pytest.fixture
def site(start_site: Callable[..., LiveSite]) -> LiveSite:
    """A site with high limits, which are not tested here."""
    return start_site(
        AGENTSITE_API_REQUESTS_PER_MINUTE="10000000",
        AGENTSITE_LAUNCHES_PER_MINUTE="1000000",
        AGENTSITE_MAX_QUEUED="1000000",
    )


@pytest.mark.parametrize("who", ["somebody with a token", "nobody"])
def test_no_invented_request_breaks_the_description(site: LiveSite, tmp_path: Path, who: str) -> None:
    headers = []
    if who != "nobody":
        token, run_id, call_id = site.ask(_PREPARE).split()
        headers = ["--header", f"Authorization: Bearer {token}"]
        # Without known ids nearly every request would end in a 404.
        ids = f'[parameters]\n"path.run_id" = "{run_id}"\n"path.call_id" = "{call_id}"\n'
        (tmp_path / "schemathesis.toml").write_text(ids)
    phases = "examples,coverage,fuzzing,stateful" if IS_LONG else "examples,fuzzing" if headers else "fuzzing"
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        "run",
        f"{site.url}/api/v1/openapi.json",
        *headers,
        "--phases",
        phases,
        "--max-examples",
        "200" if IS_LONG else "8" if headers else "1",
        # A body may match the schema and still name an agent, a model or a run that does not exist.
        "--exclude-checks",
        "positive_data_acceptance",
        *([] if IS_LONG else ["--exclude-operation-id", "run_agent"]),
        "--request-timeout",
        "20",
        "--seed",
        os.environ.get("SCHEMATHESIS_SEED", "1"),
        "--no-color",
    ]

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=LIMIT_S, check=False)

    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert re.search(r"[1-9]\d* (?:generated|passed)", done.stdout), done.stdout[-2000:]
    assert "Traceback" not in site.log.read_text(), site.log.read_text()[-4000:]
