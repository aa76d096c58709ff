"""Reading zhiyin.toml: what is unknown or impossible is refused by its full name, with the nearest known."""

from __future__ import annotations

import os
import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import get_args

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import SettingsError

from zhiyin.errors import InvalidSettings, NotFound
from zhiyin.settings import FILE, PREFIX, Settings

HIDDEN = "folder"  # set by the loader, no setting of the file
RESTORING, PLAN = ".restoring", "plan.json"  # a folder that is there while a shop is restored, and what it decided


def load_settings(folder: Path) -> Settings:
    """The settings of a folder with a zhiyin.toml, overridden by ZHIYIN_* variables.

    Raises NotFound without the file, InvalidSettings for what is unknown or impossible in it or a variable.
    """
    path = folder / FILE
    if not path.is_file():
        raise NotFound(
            half_restored(folder) or f"{path} is not there: `zhiyin init --items FILE --events FILE` writes it"
        )
    try:
        written = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidSettings(f"{path} is not TOML: {error}") from error
    if HIDDEN in written:
        raise InvalidSettings(_unknown((HIDDEN,), str(path)))
    _check_variables()
    return _validated(written, folder, str(path))


def half_restored(folder: Path) -> str:
    """What to do where a restore was killed while it moved in; "" elsewhere."""
    if not (folder / RESTORING / PLAN).is_file():
        return ""
    return f"a restore into {folder} was interrupted: `zhiyin restore FILE --folder {folder}` finishes it"


def _validated(written: dict[str, object], folder: Path, where: str) -> Settings:
    try:
        return Settings.model_validate({**written, HIDDEN: folder})
    except ValidationError as error:
        raise InvalidSettings("; ".join(_told(one, where) for one in error.errors())) from None
    except SettingsError as error:
        raise InvalidSettings(f"a {PREFIX}* variable cannot be read: {error}") from None


def _check_variables() -> None:
    """pydantic-settings passes over variables whose first part it does not know: refuse them."""
    known = set(Settings.model_fields) - {HIDDEN}
    for variable in os.environ:
        if variable.upper().startswith(PREFIX):
            dotted = tuple(variable[len(PREFIX) :].lower().split("__"))
            if dotted[0] not in known:
                raise InvalidSettings(_unknown(dotted, f"the variable {variable}"))


def _told(error: ErrorDetails, where: str) -> str:
    """One validation error in our words; a secret is never repeated."""
    path = tuple(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        return _unknown(path, f"{where} or a {PREFIX}* variable")
    got = "" if _secret(path) or error["type"] == "missing" else f", got {str(error['input'])[:80]!r}"
    return f"setting `{'.'.join(path)}` of {where} (or {_variable(path)}): {error['msg']}{got}"


def _variable(path: tuple[str, ...]) -> str:
    return PREFIX + "__".join(path).upper()


def _unknown(path: tuple[str, ...], where: str) -> str:
    """The nearest known name: beside it, else anywhere, else all that is known there."""
    beside = {name: ".".join((*path[:-1], name)) for name in _names_at(path[:-1])}
    anywhere = {dotted.rsplit(".", 1)[-1]: dotted for dotted in reversed(all_settings())}  # the first of a name
    for names in (beside, anywhere):
        if near := get_close_matches(path[-1], names, 1):
            return f"unknown setting `{'.'.join(path)}` in {where}: did you mean `{names[near[0]]}`?"
    return f"unknown setting `{'.'.join(path)}` in {where}; known there: {', '.join(beside.values())}"


def all_settings() -> dict[str, FieldInfo]:
    """Every setting by its dotted name, sections left out; a table by free names has `NAME` in its place."""
    return {".".join(path): field for path, field in _walk(Settings, ()) if model_of(field)[0] is None}


def model_of(field: FieldInfo) -> tuple[type[BaseModel] | None, bool]:
    """The model of a section or of the entries of a table by free names, and whether it is the latter."""
    return _model_in(field.annotation)


def _model_in(annotation: object) -> tuple[type[BaseModel] | None, bool]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    for inner in get_args(annotation):
        model, _ = _model_in(inner)
        if model is not None:
            return model, getattr(annotation, "__origin__", None) is dict
    return None, False


def _walk(model: type[BaseModel], path: tuple[str, ...]) -> list[tuple[tuple[str, ...], FieldInfo]]:
    found: list[tuple[tuple[str, ...], FieldInfo]] = []
    for name, field in model.model_fields.items():
        if path == () and name == HIDDEN:
            continue
        here = (*path, name)
        found.append((here, field))
        inner, by_name = model_of(field)
        if inner is not None:
            found += _walk(inner, (*here, "NAME") if by_name else here)
    return found


def _names_at(path: tuple[str, ...]) -> list[str]:
    """The names known in the section at a path, none where the path leads nowhere."""
    model: type[BaseModel] | None = Settings
    by_name = False
    for part in path:
        if by_name:
            by_name = False
        elif model is not None and part in model.model_fields:
            model, by_name = model_of(model.model_fields[part])
        else:
            return []
    return [name for name in model.model_fields if name != HIDDEN] if model else []


def _secret(path: tuple[str, ...]) -> bool:
    """Whether the setting, or one it lies in, holds a secret."""
    secrets = [name for name, field in all_settings().items() if SecretStr in _leaves(field.annotation)]
    dotted = ".".join(path)
    return any(dotted.startswith(name) or name.startswith(dotted) for name in secrets)


def _leaves(annotation: object) -> list[object]:
    inner = get_args(annotation)
    return [leaf for part in inner for leaf in _leaves(part)] if inner else [annotation]
