"""`from runs.agent import …`: the full public API, without Django, and cheap until it is used."""

import subprocess
import sys

CONTRACT = [
    "AgentError", "AgentFailure", "AgentResult", "AgentState", "AgentStatus", "AgentStep", "AgentThought", "AllFailed",
    "ErrorSeverity", "ModelSettings", "RetryPolicy", "RunLimits", "ThoughtType", "Tool", "agent_execution",
    "async_retry", "call_first_to_respond", "call_with_timeout", "execute_tool_by_name", "execute_tool_safely",
    "execute_tools_parallel", "first_success", "get_available_tools", "handle_agent_error", "run_agent",
    "stream_agent_execution", "tool",
]  # fmt: skip

BLOCKED = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"django", "channels", "daphne", "asgiref", "twisted", "sqlite3"}:
            raise ImportError(f"{name} is not for the agent core")

sys.meta_path.insert(0, Blocked())
"""


def python(script: str) -> str:
    """The output of a new interpreter that cannot import Django."""
    done = subprocess.run([sys.executable, "-c", BLOCKED + script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_name_of_the_contract_is_there_without_django():
    python(f"from runs.agent import {', '.join(CONTRACT)}")


def test_an_agent_runs_without_django():
    script = "import asyncio, runs.agent as a; print(asyncio.run(a.run_agent('What is 17 * 23?')).output)"

    assert "391" in python(script)


def test_built_in_tools_are_there_though_nobody_imported_them():
    script = (
        "import asyncio, runs.agent as a\n"
        "assert 'runs.agent.tools.builtin.calculator' not in sys.modules\n"
        "print(asyncio.run(a.execute_tool_by_name('calculator', expression='2 + 2')))"
    )

    assert python(script) == "4\n"


def test_importing_the_package_loads_nothing():
    loaded = "sorted(name for name in sys.modules if name.startswith(('runs.agent.', 'pydantic', 'tenacity')))"

    assert python(f"import runs.agent; print({loaded})") == "[]\n"


def test_an_unknown_name_is_an_attribute_error():
    python(
        "import runs.agent\n"
        "try:\n    runs.agent.nonsense\n"
        "except AttributeError as error:\n    assert \"'nonsense'\" in str(error)\n"
        "else:\n    raise SystemExit(1)"
    )


def test_the_package_lists_what_it_offers():
    import runs.agent

    assert set(CONTRACT) <= set(runs.agent.__all__)
    assert set(runs.agent.__all__) <= set(dir(runs.agent))
