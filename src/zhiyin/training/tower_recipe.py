"""What is adapted of a language model, by what, and for how long: the section [tower] of the settings.

No torch: a shop that never adapts a model reads these settings, too.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from zhiyin.models.base import Recipe
from zhiyin.training.back_translation import BackTranslationRecipe

Method = Literal["dense", "lora", "adalora", "ia3", "prefix", "bitfit", "full"]
Task = Literal["next", "together", "search", "click", "wish", "typo", "attribute", "without"]
OF_HISTORIES: tuple[Task, ...] = ("next", "together", "search", "click")
OF_FIELDS: tuple[Task, ...] = ("wish", "typo", "attribute", "without")


class PretrainingRecipe(Recipe):
    """Reading the shop's own texts, before anything is learned of behaviour."""

    objective: Literal["none", "masked", "denoised"] = Field(
        default="none",
        description="masked: words left out are guessed; denoised: a text that lost most words is written again "
        "from its vector; none: not at all.",
    )
    steps: int = Field(default=200, gt=0, description="At most.")
    minutes: float = Field(default=5.0, gt=0, description="At most.")
    batch: int = Field(default=32, gt=0, description="Texts of a step.")
    learning_rate: float = Field(default=5e-5, gt=0, description="Highest, after warming up.")
    masked: float = Field(default=0.15, gt=0, lt=1, description="Share of the tokens that are to be guessed.")
    deleted: float = Field(default=0.6, gt=0, lt=1, description="Share of the tokens that a text loses.")


class TowerRecipe(Recipe):
    """How `zhiyin train text` adapts a language model to a shop."""

    name: str = Field(
        default="ours", pattern=r"^[\w-]{1,40}$", description="The adapted model lies in the folder towers/NAME."
    )
    base: str | None = Field(
        default=None,
        description="The model that is adapted, as encoder.model names one; unset: encoder.model, or minilm where "
        "that is use.",
    )
    tasks: tuple[Task, ...] = Field(
        default=("next", "search"),
        min_length=1,
        description="What is learned, all of it together: next: a history and what came next; together: two items "
        "of one history; search: what was typed and what was taken then; click: whether an item is taken; "
        "wish, typo, attribute, without: wishes made of the catalogue's own fields, vague, misspelled, for "
        "something, for all but something.",
    )
    method: Method = Field(
        default="dense",
        description="What of the model learns: dense: nothing but a layer on top, which is what pays on two "
        "cores; lora and adalora: additions of low rank; ia3: a factor for each number of keys, values and wide "
        "layers; prefix: keys and values in front of every text; bitfit: the biases; full: everything.",
    )
    dense: int = Field(
        default=600,
        ge=0,
        description="Steps at most by which a dense layer on top of the model is learned first, of twice as many "
        "texts each; they are cheap. Then it learns on with the model. 0: no such layer.",
    )
    rank: int = Field(
        default=16, gt=0, le=256, description="Of lora and adalora; of prefix: how many keys and values."
    )
    layers: int = Field(
        default=2,
        gt=0,
        description="Upper layers that learn: what comes out of those below is counted once. More than the model "
        "has: all of it learns, its words too.",
    )
    steps: int = Field(default=400, gt=0, description="At most; it stops earlier when nothing more is gained.")
    minutes: float = Field(
        default=10.0, gt=0, description="For all of it; as many steps are planned as fit, which is told before."
    )
    batch: int = Field(default=128, gt=1, description="Distinct texts of a step: each is a rival of the others.")
    at_once: int = Field(
        default=128,
        gt=0,
        description="Texts in memory at a time; fewer than `batch` cost another reading of each.",
    )
    accumulate: int = Field(default=1, gt=0, description="Batches whose gradients are added up for one step.")
    longest: int = Field(default=64, gt=2, description="Tokens of a text that are read while it learns.")
    window: int = Field(default=4, gt=1, description="Entries of a history that are read together.")
    recency: float = Field(
        default=0.8, gt=0, le=1, description="An entry counts so much less with each newer one."
    )
    learning_rate: float | None = Field(
        default=None, gt=0, description="Highest, after warming up; unset: found by trying."
    )
    optimizer: Literal["adamw", "adafactor"] = Field(
        default="adamw", description="adafactor needs less memory where everything learns."
    )
    warm: float = Field(default=0.1, ge=0, lt=1, description="Share of the steps in which the rate rises.")
    schedule: Literal["cosine", "linear", "constant"] = Field(
        default="cosine", description="How the rate falls afterwards."
    )
    weight_decay: float = Field(default=0.01, ge=0, description="Of matrices; biases and norms have none.")
    dropout: float | None = Field(
        default=None, ge=0, lt=1, description="While it learns; unset: what the model says."
    )
    temperature: float = Field(default=0.05, gt=0, description="Cosines are divided by it.")
    correction: float = Field(
        default=1.0, ge=0, le=1, description="How far rivals that are often in a batch are forgiven: 0 not at all."
    )
    hard: int = Field(default=0, ge=0, description="Rivals of each target that read like it, beside the others.")
    dims: tuple[int, ...] = Field(
        default=(), description="Lengths at which the first numbers of a vector must do alone, too."
    )
    adversarial: float = Field(
        default=0.0, ge=0, description="Length of a step of the word vectors against what is learned; 0: none."
    )
    augment: float = Field(
        default=0.0, ge=0, lt=1, description="Share of words dropped or changed, and of texts that lack a field."
    )
    average: Literal["ema", "swa", "none"] = Field(
        default="ema", description="Which weights count: a moving mean, the mean of the last half, the last."
    )
    precision: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        default="auto", description="Of products; auto: bfloat16 on a GPU. On a processor it is always float32."
    )
    checkpointing: bool = Field(
        default=False, description="Whether states within the model are counted again instead of kept."
    )
    hidden: float = Field(
        default=0.1, ge=0, lt=0.5, description="Share of the items that it learns nothing of, to judge it by."
    )
    judgements: int = Field(default=5, ge=0, description="How often it is judged on the way.")
    judged: int = Field(default=2_000, gt=0, description="About how many texts are read for that.")
    patience: int = Field(default=3, gt=0, description="Judgements without a gain after which it stops.")
    checkpoint: float = Field(
        default=2.0, gt=0, description="Minutes between two, from which a run that was killed goes on."
    )
    pretraining: PretrainingRecipe = Field(
        default_factory=PretrainingRecipe, description="Reading the shop's texts before."
    )
    back_translation: BackTranslationRecipe = Field(
        default_factory=BackTranslationRecipe, description="Other wordings of items, by a model at an address."
    )

    def told(self) -> dict[str, object]:
        """All of it but the key, for the story of a tower and for who watches runs."""
        return self.model_dump(mode="json", exclude={"back_translation": {"key"}})
