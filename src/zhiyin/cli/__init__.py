"""The command line: one command a file, each a few lines over a workflow. Nothing heavy is imported for --help."""

from __future__ import annotations


def main() -> None:
    """The entry point `zhiyin`."""
    from zhiyin.cli.app import app

    app()
