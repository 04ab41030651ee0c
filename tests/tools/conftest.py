"""How the tests of the areas call an operation without sending anything."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import pytest

from klaviyo_tools.arguments.checking import check_arguments
from klaviyo_tools.arguments.errors import ArgumentsError
from klaviyo_tools.operation.operation import Operation
from klaviyo_tools.operation.request import Request
from klaviyo_tools.registry import AREAS


def _operation(name: str) -> Operation:
    for area in AREAS:
        module = f"klaviyo_tools.areas.{area}"
        operations: dict[str, Operation] = import_module(module).area.operations if find_spec(module) else {}
        if name in operations:
            return operations[name]
    raise LookupError(name)


@pytest.fixture
def request_of() -> Callable[..., Request]:
    """`request_of("create_profile", email="ann@example.com")` is the request that the call would send."""

    def build(name: str, /, **arguments: Any) -> Request:
        operation = _operation(name)
        return operation.request(check_arguments(operation.arguments, arguments))

    return build


@pytest.fixture
def refusal_of() -> Callable[..., str]:
    """`refusal_of("create_profile")` is what a model reads when the call is refused before sending."""

    def read(name: str, /, **arguments: Any) -> str:
        with pytest.raises(ArgumentsError) as refused:
            check_arguments(_operation(name).arguments, arguments)
        return str(refused.value)

    return read
