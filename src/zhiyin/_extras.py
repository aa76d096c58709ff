"""Optional dependencies, asked for where they are used and named when they are missing."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from zhiyin.errors import MissingExtra


def need(module: str, *, extra: str) -> ModuleType:
    """Import `module`, or say which extra of this package brings it."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise MissingExtra(f"{module} is not installed: pip install 'zhiyin[{extra}]'") from error
