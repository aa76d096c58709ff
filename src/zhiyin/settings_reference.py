"""The page docs/reference/settings.md, made from the models: a setting without a description fails a test."""

from __future__ import annotations

from types import NoneType
from typing import Annotated, Literal, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from zhiyin.settings import PREFIX
from zhiyin.settings_file import all_settings

_HEAD = f"""# Settings

`zhiyin init` writes them to `zhiyin.toml`, each with its description. A variable wins over the file:
`{PREFIX}SERVICE__PORT=9000` is `port` under `[service]`. Unknown names are refused. `NAME` stands for a name
of your own. This page is made from the code.
"""


def settings_reference() -> str:
    """The page in Markdown: one table a section. Raises ValueError for a setting without a description."""
    sections: dict[str, list[str]] = {}
    for dotted, field in all_settings().items():
        section, _, name = dotted.rpartition(".")
        if not field.description:
            raise ValueError(f"the setting {dotted} has no description")
        row = f"| `{name}` | {type_said(field.annotation)} | {default_said(field)} | {field.description} |"
        sections.setdefault(section, []).append(row)
    tables = (
        "\n".join((f"## [{section}]" if section else "## At the top", "", *_COLUMNS, *rows))
        for section, rows in sections.items()
    )
    return "\n\n".join((_HEAD.strip(), *tables)) + "\n"


_COLUMNS = ("| setting | type | default | what it is |", "|---|---|---|---|")


def type_said(annotation: object) -> str:
    """The type as people read it."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return "one of " + ", ".join(map(str, inner))
    if origin is Annotated:
        return type_said(inner[0])
    if origin is dict:
        return f"table of {type_said(inner[1])}"
    if origin is tuple:
        return f"list of {type_said(inner[0])}"
    if inner:
        return " or ".join(type_said(part) for part in inner if part is not NoneType)
    return _WORDS[annotation]


_WORDS: dict[object, str] = {
    str: "text", SecretStr: "text", int: "whole number", float: "number", bool: "true or false"
}  # fmt: skip


def default_said(field: FieldInfo) -> str:
    """The default, "required" or "unset"."""
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is None or value is PydanticUndefined:
        return "unset"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value}`".replace("|", "\\|") if value not in ((), {}, "") else "none"
