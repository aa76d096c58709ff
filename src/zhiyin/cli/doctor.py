from __future__ import annotations

import typer

from zhiyin.cli.options import HERE, Folder
from zhiyin.cli.show import light


def doctor(*, folder: Folder = HERE) -> None:
    """Is it well? What is not comes with its cure.

    Exit code 1 if anything is red.
    """
    from zhiyin.workflows.doctor import doctor as look
    from zhiyin.workflows.doctor import worst

    findings = look(folder)
    for finding in findings:
        light(finding.light, finding.about, finding.told, finding.cure)
    raise typer.Exit(1 if worst(findings) == "red" else 0)
