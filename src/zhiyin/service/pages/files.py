"""The files that browsers get: templates and static files, read once from the package."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import PurePath

from jinja2 import Environment, PackageLoader, StrictUndefined

from zhiyin.errors import NotFound

TYPES: Mapping[str, str] = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """Bytes with their type and the tag by which a browser asks whether they changed."""

    body: bytes
    type: str
    tag: str


def static_files() -> Mapping[str, StaticFile]:
    """All files of static/ by name."""
    folder = files("zhiyin.service.pages") / "static"
    return {
        file.name: _static(file.name, file.read_bytes())
        for file in folder.iterdir()
        if _suffix(file.name) in TYPES
    }


def find(found: Mapping[str, StaticFile], name: str) -> StaticFile:
    """The static file of this name. Raises NotFound."""
    if name not in found:
        raise NotFound(f"there is no file {name!r} here; the snippet is /static/zhiyin.js")
    return found[name]


def templates() -> Environment:
    """Pages are escaped wherever a value goes in, and a name that was not handed in is an error."""
    return Environment(
        loader=PackageLoader("zhiyin.service.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _static(name: str, body: bytes) -> StaticFile:
    return StaticFile(body, TYPES[_suffix(name)], f'"{hashlib.sha256(body).hexdigest()[:16]}"')


def _suffix(name: str) -> str:
    return PurePath(name).suffix
