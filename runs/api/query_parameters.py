"""Validation of query parameters: unknown ones are refused, because a mistyped filter would show everything."""

from collections.abc import Collection, Mapping
from typing import Any

from django.http import HttpRequest
from ninja import NinjaAPI

from runs.api.errors import invalid
from runs.api.validation_faults import LONGEST_VALUE

Known = Mapping[str, Collection[str]]
"""Parameter names by HTTP method."""


def known_parameters(api: NinjaAPI) -> Mapping[str, Known]:
    """The parameters of each endpoint, by Django route."""
    known: dict[str, dict[str, Collection[str]]] = {}
    for _prefix, router in api._routers:  # noqa: SLF001  ninja tells it nowhere else
        for path, view in router.path_operations.items():
            route = path.lstrip("/").replace("{", "<").replace("}", ">")
            for operation in view.operations:
                names = [name for model in operation.models if _is_of_query(model) for name in _names_of(model)]
                known.setdefault(route, {}).update((method, names) for method in operation.methods)
    return known


def check_query(request: HttpRequest, known: Collection[str] | None = None) -> None:
    """Raise `ApiError` 422, with the name, for a parameter that is not in `known` or occurs twice.

    None: those of the endpoint, which `urls` has set on the request.
    """
    names: Collection[str] = getattr(request, "known_query", ()) if known is None else known
    for name in request.GET:
        shown = name if len(name) <= LONGEST_VALUE else f"{name[:LONGEST_VALUE]}…"
        if name not in names:
            there_are = f"there are {', '.join(names)}" if names else "it takes none"
            raise invalid(f"{shown}: There is no such query parameter here; {there_are}.")
        if len(request.GET.getlist(name)) > 1:
            raise invalid(f"{shown}: The query has it more than once.")


def _is_of_query(model: Any) -> bool:
    return bool(model.__ninja_param_source__ == "query")


def _names_of(model: Any) -> list[str]:
    return list(model.__ninja_flatten_map__)
