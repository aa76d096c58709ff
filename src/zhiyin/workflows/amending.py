"""Changing single settings in a zhiyin.toml that people wrote: every other line stays as it is, comments too."""

from __future__ import annotations

import copy
import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from zhiyin.errors import InvalidSettings
from zhiyin.files import appearing
from zhiyin.settings import FILE
from zhiyin.workflows.spaces import Number
from zhiyin.workflows.toml import value_of

Setting = Number | str
Changes = Mapping[str, Setting]  # by dotted name; None leaves one out
_TITLE = re.compile(r"\s*\[")


def amend(folder: Path, changes: Changes) -> None:
    """Write settings, by dotted name, into the folder's zhiyin.toml; it appears whole or not at all.

    Raises InvalidSettings, and leaves the file, if it is written in a way that lines cannot be changed in.
    """
    path = folder / FILE
    _write(path, amended(path.read_text("utf-8"), changes))


@contextmanager
def amending(folder: Path, changes: Changes) -> Iterator[None]:
    """`amend`, and the file as it was where what is done with it fails; nothing where there is no such file."""
    path = folder / FILE
    before = path.read_text("utf-8") if path.is_file() else None
    if before is not None:
        amend(folder, changes)
    try:
        yield
    except BaseException:
        if before is not None:
            _write(path, before)
        raise


def _write(path: Path, text: str) -> None:
    with appearing(path) as draft:
        draft.write_text(text, "utf-8")


def amended(text: str, changes: Changes) -> str:
    """The same file with these settings; None leaves one out. Raises InvalidSettings as `amend` does."""
    lines = text.splitlines()
    for dotted, value in changes.items():
        section, _, name = dotted.rpartition(".")
        _set(lines, section, name, value)
    changed = "\n".join(lines) + "\n"
    if _read(changed) != _expected(_read(text), changes):
        told = "\n".join(f"  {line}" for line in toml_lines(changes))
        raise InvalidSettings(
            f"{FILE} is written in a way that these cannot be put into: write them by hand\n{told}"
        )
    return changed


def toml_lines(changes: Changes) -> list[str]:
    """The settings by sections, as they stand in a zhiyin.toml."""
    sections: dict[str, list[str]] = {}
    for dotted, value in changes.items():
        section, _, name = dotted.rpartition(".")
        sections.setdefault(section, []).append(_line(name, value))
    return [line for section, rows in sections.items() for line in (f"[{section}]", *rows)]


def _line(name: str, value: Setting) -> str:
    return f"# {name} =" if value is None else f"{name} = {value_of(value)}"


def _set(lines: list[str], section: str, name: str, value: Setting) -> None:
    """In the place where it stands, also as a comment; else below the title; else in a section at the end."""
    title = f"[{section}]"
    start = next((n for n, line in enumerate(lines) if line.split("#")[0].strip() == title), None)
    if start is None:
        lines += ["", title, _line(name, value)]
        return
    stop = next((n for n in range(start + 1, len(lines)) if _TITLE.match(lines[n])), len(lines))
    for way in (rf"\s*{name}\s*=", rf"\s*#\s*{name}\s*="):
        for n in range(start + 1, stop):
            if re.match(way, lines[n]):
                lines[n] = _line(name, value)
                return
    lines.insert(start + 1, _line(name, value))


Tree = dict[str, object]


def _read(text: str) -> Tree:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return {}


def _expected(tree: Tree, changes: Changes) -> Tree:
    """What the file must say afterwards."""
    wanted = copy.deepcopy(tree)
    for dotted, value in changes.items():
        *sections, name = dotted.split(".")
        inner = wanted
        for section in sections:
            found = inner.setdefault(section, {})
            if not isinstance(found, dict):
                return {"": dotted}
            inner = found
        inner.pop(name, None)
        if value is not None:
            inner[name] = value
    return wanted
