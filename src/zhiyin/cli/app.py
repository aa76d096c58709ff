"""All commands, in the order in which a newcomer meets them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated

import typer

from zhiyin import __version__
from zhiyin.cli import (
    backup,
    compare,
    demo,
    doctor,
    erase,
    evaluate,
    export,
    images,
    import_files,
    init,
    inspect,
    profile,
    publish,
    recommend,
    replay,
    restore,
    rollback,
    similar,
    trace,
    train,
    tune,
    up,
)
from zhiyin.cli.guard import guarded
from zhiyin.cli.unfold import unfolded

app = typer.Typer(
    name="zhiyin",
    help="A recommender system that reads. Begin with `zhiyin demo`, or with `zhiyin init` on files of your own.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_COMMANDS: Mapping[str, Callable[..., None]] = {
    "demo": demo.demo,
    "init": init.init,
    "import": import_files.import_files,
    "images": images.images,
    "doctor": doctor.doctor,
    "up": up.up,
    "train": train.train,
    "evaluate": evaluate.evaluate,
    "compare": compare.compare,
    "tune": tune.tune,
    "publish": publish.publish,
    "rollback": rollback.rollback,
    "recommend": recommend.recommend,
    "similar": similar.similar,
    "profile": profile.profile,
    "trace": trace.trace,
    "inspect": inspect.inspect,
    "replay": replay.replay,
    "export": export.export,
    "erase": erase.erase,
    "backup": backup.backup,
    "restore": restore.restore,
}
for _name, _command in _COMMANDS.items():
    app.command(_name)(guarded(unfolded(_command)))
app.command("serve", hidden=True)(guarded(up.up))


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"zhiyin {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Options of the program itself."""
