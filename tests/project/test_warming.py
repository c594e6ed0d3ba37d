"""What the first run would wait for is loaded before it comes."""

import os
import subprocess
import sys

from tests.live_site import ROOT

LOADED = """
import sys
from runs.management.warming import warm_up
SLOW = {"pint", "markdown_it", "nh3", "openai", "anthropic", "google.genai"}
before = SLOW & set(sys.modules)
warm_up(%s).join()
print(sorted(before), sorted(SLOW & set(sys.modules)))
"""
LOCAL = '[{"name": "local", "kind": "openai", "base_url": "http://127.0.0.1:9/v1", "models": ["m"]}]'


def loaded(arguments: str = "", **environment: str) -> str:
    """What is loaded before warming up, and what after it."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-c", LOADED % arguments],
        cwd=ROOT,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.strip()


def test_units_and_markdown_are_loaded_beside_the_start_and_not_in_it() -> None:
    assert loaded() == "[] ['markdown_it', 'nh3', 'pint']"


def test_the_sdk_of_a_model_that_can_be_used_is_loaded_and_no_other() -> None:
    assert loaded(ANTHROPIC_API_KEY="sk-none") == "[] ['anthropic', 'markdown_it', 'nh3', 'pint']"
    assert loaded(AGENTSITE_ENDPOINTS=LOCAL) == "[] ['markdown_it', 'nh3', 'openai', 'pint']"


def test_a_process_that_hosts_no_runs_loads_no_sdk() -> None:
    assert loaded("hosts_runs=False", ANTHROPIC_API_KEY="sk-none") == "[] ['markdown_it', 'nh3', 'pint']"
