from __future__ import annotations

from dataclasses import dataclass
from inspect import signature
from typing import Annotated

import typer
from typer.testing import CliRunner

from zhiyin.cli.guard import guarded
from zhiyin.cli.unfold import unfolded


@dataclass(frozen=True, slots=True)
class Size:
    high: Annotated[int, typer.Option(min=1, help="In rows.")] = 2
    wide: Annotated[bool, typer.Option("--wide", help="Or not.")] = False


@dataclass(frozen=True, slots=True)
class Named(Size):
    name: str | None = None


def draw(what: str, *, size: Named, times: int = 1) -> None:
    """Draw something."""
    typer.echo(f"{what} {size} {times}")


def run(*words: str) -> str:
    app = typer.Typer()
    app.command()(guarded(unfolded(draw)))
    return CliRunner().invoke(app, list(words)).output


def test_fields_of_a_dataclass_are_options_with_their_defaults() -> None:
    assert run("cat") == "cat Named(high=2, wide=False, name=None) 1\n"
    told = run("cat", "--high", "3", "--wide", "--name", "Tom", "--times", "4")
    assert told == "cat Named(high=3, wide=True, name='Tom') 4\n"


def test_limits_and_help_of_a_field_hold() -> None:
    assert "In rows." in run("--help")
    assert "greater than or equal to 1" in run("cat", "--high", "0")


def test_a_command_without_dataclasses_stays_as_it_is() -> None:
    def plain(what: str, *, times: int = 1) -> None:
        typer.echo(what * times)

    assert list(signature(unfolded(plain)).parameters) == ["what", "times"]
    unfolded(plain)("ha", times=2)
