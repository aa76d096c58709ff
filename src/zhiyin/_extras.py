"""Optional dependencies, asked for where they are used and named when they are missing."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from zhiyin.errors import MissingExtra


def need(module: str, *, extra: str, also: str = "") -> ModuleType:
    """Import `module`, or say which extra of this package brings it, and what is to be done besides."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        cure = " and ".join(part for part in (f"pip install 'zhiyin[{extra}]'", also) if part)
        raise MissingExtra(f"{module} is not installed: {cure}") from error
