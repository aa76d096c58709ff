"""zhiyin.toml as people read it: every setting with its description, what is not set as a comment."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from textwrap import wrap

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from zhiyin.settings import Settings
from zhiyin.settings_file import HIDDEN, model_of

WIDTH = 100
_HEAD = (
    "The settings of this shop. `zhiyin init` wrote them from your files; correct what it got wrong. "
    "A variable such as ZHIYIN_SERVICE__PORT=9000 wins over this file."
)


def toml_of(settings: Settings, said: Mapping[str, Sequence[str]]) -> str:
    """The file. `said`: sentences to stand above a section, by its dotted name ("" at the top)."""
    lines = [*_comment(_HEAD), "", *_assumed(said.get("", ())), *_section(settings, (), said)]
    return "\n".join(lines).rstrip() + "\n"


def value_of(value: object) -> str:
    """A TOML value: texts, numbers, truths and lists of them."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Sequence):
        return f"[{', '.join(map(value_of, value))}]"
    raise TypeError(f"{type(value).__name__} has no form in TOML")


Path = tuple[str, ...]


def _section(model: BaseModel, path: Path, said: Mapping[str, Sequence[str]]) -> list[str]:
    """The plain settings of a section, then the sections within it."""
    lines: list[str] = []
    sections: list[str] = []
    for name, field in type(model).model_fields.items():
        if path == () and name == HIDDEN:
            continue
        value, (inner, by_name) = getattr(model, name), model_of(field)
        if inner is None and isinstance(value, dict):
            sections += _table(field, (*path, name), value)
        elif inner is None:
            lines += _setting(name, field, value)
        elif by_name:
            for key, entry in value.items():
                sections += _titled(entry, field, (*path, name, key), said)
        else:
            sections += _titled(value, field, (*path, name), said)
    return lines + sections


def _titled(model: BaseModel | None, field: FieldInfo, path: Path, said: Mapping[str, Sequence[str]]) -> list[str]:
    if model is None:
        return []
    about = _comment(field.description or "")
    return [
        "",
        *about,
        *_assumed(said.get(".".join(path), ())),
        f"[{_dotted(path)}]",
        *_section(model, path, said),
    ]


def _table(field: FieldInfo, path: Path, entries: Mapping[str, object]) -> list[str]:
    """A table of names of one's own; an empty one is a comment."""
    title = f"[{_dotted(path)}]" if entries else f"# [{_dotted(path)}]"
    rows = [f"{value_of(name)} = {value_of(value)}" for name, value in entries.items()]
    return ["", *_comment(field.description or ""), title, *rows]


def _dotted(path: Path) -> str:
    return ".".join(name if name.isidentifier() and name.isascii() else value_of(name) for name in path)


def _setting(name: str, field: FieldInfo, value: object) -> list[str]:
    if value is None or value == ():
        return [*_comment(field.description or ""), f"# {name} ="]
    return [*_comment(field.description or ""), f"{name} = {value_of(value)}"]


def _assumed(sentences: Sequence[str]) -> list[str]:
    if not sentences:
        return []
    return [
        "#",
        "# What was assumed:",
        *(line for sentence in sentences for line in _comment(sentence, "  - ")),
    ]


def _comment(text: str, mark: str = "") -> list[str]:
    """A text as comment lines; nothing in it can end the comment."""
    clean = "".join(character if character.isprintable() else " " for character in text)
    return [f"# {line}" for line in wrap(clean, WIDTH, initial_indent=mark, subsequent_indent=" " * len(mark))]
