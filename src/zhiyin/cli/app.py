"""All commands, in the order in which a newcomer meets them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from zhiyin import __version__
from zhiyin.cli import (
    backup,
    compare,
    compress,
    demo,
    doctor,
    erase,
    evaluate,
    exploration,
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
    simulate,
    trace,
    train,
    train_policy,
    train_reranker,
    train_text,
    tune,
    up,
)
from zhiyin.cli.below import with_below
from zhiyin.cli.guard import guarded
from zhiyin.cli.label.group import label_commands
from zhiyin.cli.unfold import unfolded


class InOrder(TyperGroup):
    """Commands and groups in the order of `_COMMANDS`."""

    def list_commands(self, ctx: Any) -> list[str]:  # typer has a context of its own within
        return sorted(super().list_commands(ctx), key=[*_COMMANDS, "label", "serve"].index)


app = typer.Typer(
    name="zhiyin",
    cls=InOrder,
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
    "compress": compress.compress,
    "publish": publish.publish,
    "rollback": rollback.rollback,
    "recommend": recommend.recommend,
    "similar": similar.similar,
    "profile": profile.profile,
    "trace": trace.trace,
    "inspect": inspect.inspect,
    "replay": replay.replay,
    "exploration": exploration.exploration,
    "simulate": simulate.simulate,
    "export": export.export,
    "erase": erase.erase,
    "backup": backup.backup,
    "restore": restore.restore,
}
_GROUPS: Mapping[str, Mapping[str, Callable[..., None]]] = {
    "train": {
        "text": train_text.text,
        "reranker": train_reranker.reranker,
        "policy": train_policy.policy,
    }
}
"""Commands that others lie below: with none of these they are what they are in `_COMMANDS`."""

for _name, _command in _COMMANDS.items():
    if _name in _GROUPS:
        app.add_typer(with_below(_command, _GROUPS[_name]), name=_name)
    else:
        app.command(_name)(guarded(unfolded(_command)))
app.add_typer(label_commands(), name="label")
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
