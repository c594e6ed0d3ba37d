"""Toolboxes: the tools one run may use."""

import pytest

from runs.agent.errors.exceptions import UnknownTool
from runs.agent.tools.registry import tool
from runs.agent.tools.toolbox import Toolbox

pytestmark = pytest.mark.usefixtures("own_registry")


def test_a_toolbox_is_made_from_names_tools_functions_and_mappings():
    @tool
    def shout(text: str) -> str:
        """Shout."""
        return text.upper()

    def whisper(text: str) -> str:
        """Whisper."""
        return text.lower()

    box = Toolbox(["calculator", shout, whisper, Toolbox().get("date_math")])

    assert box.names == ("calculator", "shout", "whisper", "date_math")
    assert box.get("shout") is shout.tool
    assert [each.name for each in box] == list(box.names)
    assert "calculator" in box
    assert len(Toolbox([])) == 0
    assert Toolbox({"quiet": whisper}).get("quiet").name == "quiet"
    assert Toolbox(box).names == box.names


def test_a_toolbox_refuses_unknown_names_doubles_and_things_that_are_no_tools():
    with pytest.raises(UnknownTool, match=r"^Unknown tool: nope"):
        Toolbox(["nope"])
    with pytest.raises(ValueError, match="Two tools of one run are named 'calculator'"):
        Toolbox(["calculator", "calculator"])
    with pytest.raises(TypeError, match="is not a tool"):
        Toolbox([5])  # type: ignore[list-item]
