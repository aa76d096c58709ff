"""`zhiyin label show`: the page of a label model in words, and all of them in a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import TypeAdapter

from zhiyin.labels.report import Report
from zhiyin.labels.shelf import find
from zhiyin.labels.unlabelled import Gained
from zhiyin.shop import LABELS, Zhiyin
from zhiyin.workflows.labels.asking import label_health
from zhiyin.workflows.labels.training import heads_told


@dataclass(frozen=True, slots=True)
class Shown:
    """The page of a model that is in use."""

    name: str
    digest: str
    about: Mapping[str, Any]

    def sentences(self) -> list[str]:
        """What it was learned from, what reads, and what it is worth."""
        data, made = self.about["data"], str(self.about["made"])[:19]
        report: Report = TypeAdapter(Report).validate_python(self.about["report"])
        return [
            f"label model {self.name} ({self.digest[:12]}), made {made} of {data['n_texts']:,} texts with "
            f"{data['n_labels']:,} labels; encoders {', '.join(self.about['encoders'])}",
            heads_told(self.about["classifier"]),
            *([Gained(**self.about["unlabelled"]).sentence()] if self.about.get("unlabelled") else []),
            *data["notes"],
            *report.sentences(),
        ]

    def to_json(self) -> str:
        """All of the page."""
        return orjson.dumps({"digest": self.digest, **self.about}, option=orjson.OPT_INDENT_2).decode()


def show_one(shop: Zhiyin, name: str) -> Shown:
    """Raises NotFound without such a model."""
    kept = find(shop.settings.path(LABELS), name)
    return Shown(name, kept.digest, kept.about)


def show_all(shop: Zhiyin) -> tuple[Sequence[str], list[Sequence[str]]]:
    """Titles and rows of a table."""
    rows: list[Sequence[str]] = [
        (
            one.name,
            (one.model or "not trained")[:12],
            f"{one.n_examples:,}",
            f"{len(one.labels):,}",
            "" if one.accuracy is None else f"{one.accuracy:.3f}",
            "" if one.macro_f1 is None else f"{one.macro_f1:.3f}",
            ", ".join(one.harmful),
        )
        for one in label_health(shop)
    ]
    return ("name", "model", "examples", "labels", "accuracy", "macro F1", "harmful"), rows
