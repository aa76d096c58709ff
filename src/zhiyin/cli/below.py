"""A command that has others below it: `zhiyin train` fits a bundle, `zhiyin train text` a language model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from inspect import Parameter, Signature, signature

import typer

from zhiyin.cli.guard import guarded
from zhiyin.cli.unfold import unfolded

CONTEXT = "ctx"  # the parameter by which typer hands in what was called
TOLD = "COMMANDLINE"  # of the sources of a parameter


def with_below(command: Callable[..., None], below: Mapping[str, Callable[..., None]]) -> typer.Typer:
    """The command with its options where nothing below it is called. Options of one are none of the other: what
    stands before the name of another command is refused, not passed over."""
    group = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
    own = unfolded(command)

    @wraps(own)
    def run(ctx: typer.Context, **options: object) -> None:
        if ctx.invoked_subcommand is None:
            guarded(own)(**options)
        elif given := [name for name in options if str(ctx.get_parameter_source(name)).endswith(TOLD)]:
            raise typer.BadParameter(
                f"--{given[0].replace('_', '-')} stands before {ctx.invoked_subcommand}: write options after it",
                ctx=ctx,
            )

    context = Parameter(CONTEXT, Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    taken = [context, *signature(own).parameters.values()]
    run.__signature__ = Signature(taken)  # type: ignore[attr-defined]  # inspect.signature looks there
    run.__annotations__ = {one.name: one.annotation for one in taken}
    del run.__wrapped__  # whoever looks through it would see no context
    group.callback(invoke_without_command=True)(run)
    for name, one in below.items():
        group.command(name)(guarded(unfolded(one)))
    return group
