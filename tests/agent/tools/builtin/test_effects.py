"""The effects of the built-in tools, which decide whether an interrupted call is repeated."""

from runs.agent.tools.registry import registered_tools


def test_looking_is_a_read_a_request_is_unsafe_and_the_rest_is_pure() -> None:
    effects = {name: tool.effect for name, tool in registered_tools().items() if "runs/agent/tools" in tool.place}

    assert effects == {
        "calculator": "pure",
        "convert_units": "pure",
        "date_math": "pure",
        "text_stats": "pure",
        "current_time": "read",
        "run_python": "pure",
        "fetch_page": "read",
        "read_file": "read",
        "search_documents": "read",
        "describe_table": "read",
        "query_table": "read",
        "make_chart": "read",
        "http_request": "unsafe",
        "web_search": "read",
        "read_skill": "read",
        "ask_person": "pure",
    }
