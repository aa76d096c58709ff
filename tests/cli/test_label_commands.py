"""`zhiyin label` as somebody would use it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

Zhi = Callable[..., Result]


def said(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return str(result.stdout)


EXAMPLES = Path(__file__).parents[2] / "examples"
INTENTS = {
    "arrival": (
        "when does my parcel arrive",
        "where is the parcel",
        "is my order on its way",
        "it has not come yet",
    ),
    "return": ("I want to send it back", "how can I return this", "can I get my money back", "it does not fit me"),
    "payment": ("can I pay by card", "my payment failed", "which cards do you take", "was I charged twice"),
}
ANSWERS = {"arrival": "It takes three days.", "return": "Within thirty days.", "payment": "Cards and cash."}


@pytest.mark.slow  # a process that reads the weights
def test_from_a_file_of_intents_to_answers_labels_and_decisions(shop: Path, zhi: Zhi) -> None:
    path = shop / "intents.jsonl"
    rows = [
        {"question": f"{text}{end}", "intent": intent, "answer": ANSWERS[intent]}
        for intent, asked in INTENTS.items()
        for text in asked
        for end in ("", " please", " ?")
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    told = said(zhi("label", "train", "intent", "--texts", path, "--out", shop / "report.json", "-C", shop))
    assert "36 texts, 3 labels" in told
    assert json.loads((shop / "report.json").read_text())["n_texts"] == 36
    assert "It takes three days." in said(
        zhi("label", "text", "intent", "when will my parcel arrive?", "-C", shop)
    )
    found = json.loads(said(zhi("label", "text", "intent", "my payment failed", "--json", "-C", shop)))
    assert (found["labels"], found["answer"]) == (["payment"], "Cards and cash.")
    assert "intent" in said(zhi("label", "show", "-C", shop))
    example = [sys.executable, EXAMPLES / "tell_an_intent.py", shop, "where is my parcel"]
    assert "arrival" in subprocess.run(example, capture_output=True, text=True, check=True).stdout
    assert "macro F1" in said(zhi("label", "show", "intent", "-C", shop))
    assert "37 examples of intent" in said(
        zhi("label", "add", "intent", "is it on the way", "arrival", "-C", shop)
    )
    assert "items labelled by" in said(zhi("label", "apply", "intent", "-C", shop))
    assert "tea is payment from now on" in said(
        zhi("label", "add", "intent", "tea", "payment", "--item", "-C", shop)
    )
    assert "believed" in said(zhi("label", "next", "intent", "-n", 3, "-C", shop))
    assert "harm" in said(zhi("label", "review", "intent", "-C", shop))
    wrong = zhi("label", "watch", "intent", "-C", shop)
    assert (wrong.exit_code, "no text among events" in wrong.stderr) == (2, True)
    missing = zhi("label", "text", "mood", "good", "-C", shop)
    assert (missing.exit_code, "zhiyin label train mood" in missing.stderr) == (2, True)
