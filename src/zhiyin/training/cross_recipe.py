"""How a cross-encoder learns: the section [cross] of the settings. No torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from zhiyin.models.base import Recipe
from zhiyin.training.tower_recipe import TowerRecipe


class CrossRecipe(Recipe):
    """How `zhiyin train reranker` teaches a language model to read two texts together."""

    name: str = Field(
        default="ours", pattern=r"^[\w-]{1,40}$", description="What is learned lies in the folder rerankers/NAME."
    )
    base: str = Field(
        default="minilm",
        description="The model that learns, as encoder.model names one: of the BERT family; a published "
        "cross-encoder with one number at its end goes on from what it knows.",
    )
    tasks: tuple[Literal["next", "search", "wish", "typo", "attribute", "without"], ...] = Field(
        default=("next", "search", "wish", "typo", "attribute"),
        min_length=1,
        description="What is learned, as in tower.tasks; what the shop has nothing for is left out.",
    )
    method: Literal["full", "lora"] = Field(
        default="full", description="What of the model learns: everything, or additions of low rank."
    )
    loss: Literal["softmax", "pairs"] = Field(
        default="softmax",
        description="softmax: the right one of a group stands above the others; pairs: each pair is right or not.",
    )
    rank: int = Field(default=16, gt=0, le=256, description="Of lora.")
    layers: int = Field(default=12, gt=0, description="Upper layers that learn; more than it has: all.")
    groups: int = Field(default=8, gt=0, description="Questions of a step.")
    hard: int = Field(default=4, ge=0, description="Wrong answers of a question that read like right ones.")
    random: int = Field(default=3, ge=0, description="Wrong answers of a question that are any items.")
    at_once: int = Field(default=64, gt=0, description="Pairs in memory at a time.")
    longest: int = Field(default=96, gt=8, le=512, description="Tokens of both texts that are read.")
    window: int = Field(default=6, gt=1, description="Entries of a history, the one that is asked for included.")
    steps: int = Field(default=1_000, gt=0, description="At most; it stops earlier when nothing more is gained.")
    minutes: float = Field(
        default=20.0, gt=0, description="For learning; as many steps are planned as fit, which is told before."
    )
    learning_rate: float | None = Field(default=None, gt=0, description="Highest; unset: found by trying.")
    dropout: float | None = Field(default=None, ge=0, lt=1, description="Unset: what the model says.")
    precision: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        default="auto", description="Of products, as in tower.precision."
    )
    hidden: float = Field(
        default=0.1, ge=0.02, lt=0.5, description="Share of the items that it learns nothing of, to judge it by."
    )
    judgements: int = Field(default=5, gt=0, description="How often it is judged on the way.")
    judged: int = Field(default=100, gt=0, description="Questions that it is judged by on the way.")
    patience: int = Field(default=3, gt=0, description="Judgements without a gain after which it stops.")
    checkpoint: float = Field(
        default=2.0, gt=0, description="Minutes between two, from which a run that was killed goes on."
    )
    lists: int = Field(
        default=300,
        ge=20,
        description="Held-out lists of each kind, typed wishes and pasts, at most: one half says how loud it "
        "may be, the other whether it is better.",
    )

    def as_tower(self) -> TowerRecipe:
        """What it shares with an adapted encoder."""
        return TowerRecipe(
            name=self.name, base=self.base, tasks=self.tasks, method=self.method, dense=0, rank=self.rank,
            layers=self.layers, steps=self.steps, minutes=self.minutes, batch=2 * self.groups,
            at_once=self.at_once, longest=self.longest, window=self.window, learning_rate=self.learning_rate,
            dropout=self.dropout, precision=self.precision, hidden=self.hidden, judgements=self.judgements,
            judged=self.judged, patience=self.patience, checkpoint=self.checkpoint,
        )  # fmt: skip
