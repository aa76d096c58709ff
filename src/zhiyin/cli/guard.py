"""How a command ends: an error of ours is one sentence, Ctrl-C says what is safe, neither is a traceback."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import typer

from zhiyin.errors import ZhiyinError

P = ParamSpec("P")

WRONG, STOPPED = 2, 130  # exit codes
_SAFE = (
    "Stopped. All that was stored stays stored, what is live stays live, a half-made bundle is thrown away: "
    "run the same command to go on."
)


def guarded(command: Callable[P, None]) -> Callable[P, None]:
    """The command with its expected ends told in a sentence."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except ZhiyinError as error:
            raise _end(str(error), typer.colors.RED, WRONG) from error
        except BrokenPipeError:  # who reads what we say has read enough: the command line ends in silence
            raise
        except OSError as error:  # a full disk, a folder that cannot be written
            told = f"{error.filename}: {error.strerror}" if error.filename else str(error)
            raise _end(told, typer.colors.RED, WRONG) from error
        except KeyboardInterrupt as error:
            raise _end(_SAFE, typer.colors.YELLOW, STOPPED) from error

    return run


def _end(told: str, colour: str, code: int) -> typer.Exit:
    typer.secho(told, fg=colour, err=True)
    return typer.Exit(code)
