from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from zhiyin.cli.app import app
from zhiyin.encoders.sentence import SentenceEncoder

Zhi = Callable[..., Result]

ITEMS = (
    "item_id,title,text,category,price\n"
    "tea,Green tea,Leaves from a misty hill,Drinks,4\n"
    "cup,Porcelain cup,Thin and white for tea,Ware,9\n"
    "pot,Iron tea pot,Heavy and keeps the tea warm,Ware,30\n"
    "pan,Frying pan,For eggs on the stove,Kitchen,20\n"
    "saw,Hand saw,Cuts wood in the garden,Tools,15\n"
    "axe,Small axe,Splits wood for the stove,Tools,25\n"
)
EVENTS = "user_id,item_id,event,at\n" + "".join(
    f"u{user},{item},{event},2026-01-{day:02d}T10:00:00Z\n"
    for user in range(24)
    for day, (item, event) in enumerate(
        (("tea", "click"), ("cup", "purchase"), ("pot", "click"))
        if user % 2
        else (("saw", "click"), ("axe", "purchase"), ("pan", "click")),
        start=1 + user % 5,
    )
)


@pytest.fixture
def zhi(monkeypatch: pytest.MonkeyPatch, sentence_encoder: SentenceEncoder) -> Zhi:
    """`zhi("train", "--seed", 3)`: run a command in this process, which loads the encoder once."""
    monkeypatch.setattr("zhiyin.shop.SentenceEncoder", lambda threads: sentence_encoder)
    runner = CliRunner()

    def run(*words: object) -> Result:
        return runner.invoke(app, [str(word) for word in words])

    return run


@pytest.fixture
def shop(tmp_path: Path, zhi: Zhi) -> Path:
    """A folder after init and import."""
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "items.csv").write_text(ITEMS)
    (folder / "events.csv").write_text(EVENTS)
    told = zhi("init", "--items", folder / "items.csv", "--events", folder / "events.csv", "-C", folder)
    assert told.exit_code == 0, told.output
    assert zhi("import", "-C", folder).exit_code == 0
    return folder
