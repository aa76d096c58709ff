from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zhiyin.cli import show
from zhiyin.cli.groups import Made, Other
from zhiyin.cli.options import HERE, AsJson, Folder, Many, opened

Page = Annotated[Path | None, typer.Option(help="Write a page with the curves, one HTML file.")]


def simulate(
    *, other: Other, made: Made, n: Many = 10, json: AsJson = False, report: Page = None, folder: Folder = HERE
) -> None:
    """Let made-up people use copies of the shop.

    What was earned, what the best lists and chance would have earned; with --policy two policies before the same
    people. Nothing of it reaches the log of the shop."""
    from zhiyin.workflows.off_policy import policy_said
    from zhiyin.workflows.simulate import simulate as live

    with opened(folder) as shop:
        own = shop.settings.policy
        found = live(shop, [own] if other.policy is None else [own, policy_said(shop, other.said)], made.scene(n))
    show.simulation(found, report, json=json)
