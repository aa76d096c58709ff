"""The shape of the house: who may import whom, what is light, how long a file may be, what must be documented."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from zhiyin.cli.app import app

ROOT = Path(__file__).parent.parent
LONGEST = 400  # lines
COMMAND = 40  # lines of a command's file: it is options and one call
HEAVY = ("torch", "transformers", "numpy", "scipy", "pyarrow", "pydantic", "sqlalchemy", "fastapi", "rich.console")
COMMANDS = get_command(app).commands  # type: ignore[attr-defined]


def loaded_by(code: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after this code."""
    run = [sys.executable, "-c", f"{code}; import sys; print(*sys.modules)"]
    return set(subprocess.run(run, check=True, capture_output=True, text=True).stdout.split())


def test_imports_point_down_and_serving_imports_no_training_framework() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([str(lint), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("code", ["import zhiyin", "import zhiyin.cli.app", "import zhiyin.errors, zhiyin.types"])
def test_a_light_import_loads_nothing_heavy(code: str) -> None:
    assert not loaded_by(code) & set(HEAVY)


def test_opening_a_shop_loads_no_training_framework_and_no_web_server() -> None:
    modules = loaded_by("from zhiyin import Zhiyin; assert Zhiyin.open")
    assert not modules & {"torch", "transformers", "peft", "ray", "fastapi", "uvicorn", "typer", "pandas"}


def test_no_file_is_too_long() -> None:
    files = [
        path for folder in ("src", "tests", "benchmarks", "examples") for path in (ROOT / folder).rglob("*.py")
    ]
    assert len(files) > 100
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    assert {str(path): length for path, length in lengths.items() if length > LONGEST} == {}


def test_every_module_says_why_it_exists() -> None:
    """Commands are said by their help."""
    silent = [
        str(path)
        for path in (ROOT / "src").rglob("*.py")
        if path.read_text(encoding="utf-8").strip()
        and not path.read_text(encoding="utf-8").startswith('"""')
        and path not in {ROOT / "src" / "zhiyin" / "cli" / f"{name}.py" for name in FILES}
    ]
    assert silent == []


def alone(commands: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every command by its words, those of groups one by one."""
    for name, command in commands.items():
        inner = getattr(command, "commands", None)
        if inner is None:
            yield name, command
        else:
            yield from ((f"{name} {word}", one) for word, one in alone(inner))


ALONE = dict(alone(COMMANDS))
FILES = {
    command.callback.__wrapped__.__module__.removeprefix("zhiyin.cli.").replace(".", "/")
    for command in ALONE.values()
}


@pytest.mark.parametrize("name", sorted(ALONE))
def test_every_command_and_every_option_has_its_help(name: str) -> None:
    command = ALONE[name]
    assert command.help
    assert len(command.help.splitlines()[0]) <= 45, "the list of commands would cut it"
    for parameter in command.params:
        assert parameter.help, parameter.name


def test_a_command_is_a_few_lines_over_a_workflow() -> None:
    for name in FILES:
        path = ROOT / "src" / "zhiyin" / "cli" / f"{name}.py"
        assert len(path.read_text(encoding="utf-8").splitlines()) <= COMMAND, path


def test_nothing_names_a_package_index() -> None:
    """Lock files are read with whatever index a machine has."""
    for path in (ROOT / "requirements").glob("*.txt"):
        text = path.read_text(encoding="utf-8")
        assert "://" not in text, path
        assert "index-url" not in text, path
