"""Settings: where things are and how a list is shaped, from zhiyin.toml and ZHIYIN_* variables.

Read once at the start of a verb (settings_file.load_settings) and passed down. A variable names its setting
with two underscores between the parts, ZHIYIN_SERVICE__PORT=9000, and wins over the file.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Literal

import orjson
from pydantic import Field, PositiveFloat, PositiveInt, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from zhiyin.data.readers.mapping import EventFile, ItemFile, LabelFiles, RelationFile, UserFile, VectorFile
from zhiyin.data.readers.times import zone_of
from zhiyin.data.signals import Signals
from zhiyin.ranking.harm import HarmRule
from zhiyin.ranking.reranking import RerankerSettings
from zhiyin.recipe import DefaultRecipe
from zhiyin.settings_lists import BeliefSettings, PolicySettings, ProfileSettings, RankingSettings, Section
from zhiyin.training.cross_recipe import CrossRecipe
from zhiyin.training.tower_recipe import TowerRecipe
from zhiyin.types import check_label_name

FILE = "zhiyin.toml"
PREFIX = "ZHIYIN_"


class DataSettings(Section):
    """The files to import and what is in them."""

    time_zone: str = Field(
        default="UTC",
        description="Zone of times that have none, such as Asia/Shanghai, and of the clock that hours and "
        "weekdays go by where `recipe.context.time_zone` names no other.",
    )
    items: ItemFile | None = Field(default=None, description="The catalogue.")
    users: UserFile | None = Field(default=None, description="What is known about people.")
    relations: RelationFile | None = Field(default=None, description="Edges of a knowledge graph.")
    events: EventFile | None = Field(default=None, description="Behaviour.")
    vectors: dict[str, VectorFile] = Field(default_factory=dict, description="Vectors of items, by name.")
    labels: LabelFiles = Field(default_factory=LabelFiles, description="Labels as `zhiyin export` writes them.")
    signals: Signals = Field(default_factory=Signals, description="What events say about liking.")
    attributes: tuple[str, ...] = Field(
        default=(),
        description="Attributes that filters may name while no item has them. Those of `data.items.attributes` "
        "and label models may be named anyway; any other is taken for a typing error.",
    )

    @field_validator("time_zone")
    @classmethod
    def _zone_is_known(cls, name: str) -> str:
        zone_of(name)
        return name


class StoreSettings(Section):
    """Where events, items and recommendations are kept."""

    url: str = Field(
        default="sqlite:///zhiyin.db",
        description="Database: sqlite:///FILE, relative to this folder, or memory:",
    )


class BundleSettings(Section):
    """Where fitted models are kept."""

    folder: str = Field(default="bundles", description="Folder of the bundles, relative to this folder.")


class ServiceSettings(Section):
    """The HTTP service."""

    host: str = Field(
        default="127.0.0.1", description="Address to listen on; any other than 127.0.0.1 needs API keys."
    )
    port: int = Field(default=8420, ge=0, le=65_535, description="Port to listen on; 0 takes a free one.")
    cors: tuple[str, ...] = Field(default=(), description="Origins whose pages may call the service.")
    api_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        default=(),
        description="Keys for writes, console, profiles and lists of people by name; better in "
        "ZHIYIN_SERVICE__API_KEYS=KEY,KEY.",
    )
    events_keys: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Beside API keys: keys that may append events and nothing else. They stand in web pages, so "
        "they are no secret.",
    )
    open_lists: bool = Field(
        default=False,
        description="Beside API keys: whether anybody may ask for the lists of a person by name. They tell what "
        "the person did: only where ids of people cannot be guessed.",
    )
    max_body_bytes: PositiveInt = Field(default=1_048_576, description="Largest body of a request, in bytes.")

    @field_validator("api_keys", "events_keys", mode="before")
    @classmethod
    def _split_by_comma(cls, value: object) -> object:
        """A variable holds KEY,KEY; the file holds a list."""
        return tuple(key.strip() for key in value.split(",") if key.strip()) if isinstance(value, str) else value


class HostedSettings(Section):
    """An endpoint that speaks as OpenAI's does, beside the encoder that comes along."""

    url: str = Field(
        default="", description="Its address up to /embeddings, which is added: https://HOST/v1. No redirects."
    )
    model: str = Field(default="", description="What the endpoint calls the model.")
    dim: int = Field(default=0, ge=0, description="Numbers of a row that it gives.")
    dimensions: bool = Field(
        default=False,
        description="Whether the endpoint is asked for `dim` numbers: for models that can be cut short.",
    )
    key: SecretStr | None = Field(
        default=None,
        description="Sent as Authorization: Bearer KEY; better in ZHIYIN_ENCODER__HOSTED__KEY=KEY.",
    )
    queries: bool = Field(
        default=False,
        description="Whether what people type is sent there; false: only the catalogue is, and what is typed is "
        "read on this machine.",
    )
    query_timeout: PositiveFloat = Field(
        default=1.0, description="Seconds that a person waits for it; after that the encoder at hand reads."
    )
    timeout: PositiveFloat = Field(
        default=60.0, description="Seconds for each request while the catalogue is read."
    )
    attempts: PositiveInt = Field(
        default=6, description="Of a request while the catalogue is read, with longer and longer waits between."
    )
    batch: PositiveInt = Field(default=64, description="Most texts of a request.")
    batch_characters: PositiveInt = Field(default=100_000, description="Most characters of a request.")
    budget_day: PositiveInt = Field(
        default=10_000_000, description="Most characters sent a day (UTC), counted on disk."
    )
    budget_run: PositiveInt | None = Field(
        default=None, description="Most characters sent by one process; unset: as many as the day allows."
    )
    price: float | None = Field(
        default=None, ge=0, description="Of a million tokens: for the estimate before a catalogue is read."
    )


class EncoderSettings(Section):
    """The language model that reads the catalogue and what people type."""

    model: str = Field(
        default="use",
        description="use: Google's multilingual sentence encoder, 16 languages, comes along; minilm: "
        "all-MiniLM-L6-v2, English; e5: multilingual-e5-small, a hundred languages; or a folder with a model of "
        "the BERT family or a static table, such as towers/NAME, or its id on the Hugging Face hub, all of which "
        "need zhiyin[text]; hosted: use and an endpoint beside it. After a change train again.",
    )
    precision: Literal["int8", "float32"] = Field(
        default="int8",
        description="Of the numbers in a model of the BERT family: int8 is faster, and a little less exact.",
    )
    depth: Literal["last", "spread"] = Field(
        default="last",
        description="What is taken of a model of the BERT family: its last state, or spread: the first, the "
        "middle and the last side by side, three times as long, closer to the words.",
    )
    hosted: HostedSettings = Field(
        default_factory=HostedSettings, description="The endpoint; only where `model` is hosted."
    )


class LabelSettings(Section):
    """A label model: what reads for it, and what its labels do."""

    encoders: tuple[str, ...] = Field(
        default=(),
        description="What reads its texts, each as in `encoder.model`; empty: what reads the catalogue. Several "
        "are weighed by held-out examples.",
    )
    missed: float = Field(
        default=0.05, gt=0, lt=1, description="Share of texts of known labels that may be called unknown."
    )
    harmful: tuple[str, ...] = Field(
        default=(), description="Labels of what is not to be shown; an item's harm is their probability together."
    )
    penalty: float = Field(
        default=0.0, ge=0, description="What certain harm costs an item, in units of the score; less, less."
    )
    block: float = Field(
        default=0.9,
        gt=0,
        le=1,
        description="From so much harm on an item is in no list at all; 1: only where certain.",
    )
    review: tuple[float, float] = Field(
        default=(0.2, 0.8),
        description="Harm between these two is uncertain: a person is asked. Less than the first costs nothing.",
    )

    @field_validator("review")
    @classmethod
    def _is_a_band(cls, band: tuple[float, float]) -> tuple[float, float]:
        if not 0 <= band[0] < band[1] <= 1:
            raise ValueError(f"two numbers from 0 to 1, the smaller first, such as [0.2, 0.8], got {list(band)}")
        return band

    def harm(self, name: str) -> HarmRule:
        """What its labels do to a list."""
        return HarmRule(name, frozenset(self.harmful), self.penalty, self.block, self.review[0])


class TrackingSettings(Section):
    """Where runs are noted for those who watch them elsewhere."""

    log_dir: str = Field(
        default="", description="Folder for TensorBoard, relative to this folder; empty: none. Needs zhiyin[log]."
    )
    mlflow: str = Field(
        default="",
        description="Address of an MLflow server; empty: what MLFLOW_TRACKING_URI says, or none. Needs "
        "zhiyin[mlflow].",
    )
    wandb: Literal["", "offline", "online"] = Field(
        default="",
        description="Weights & Biases: offline: files in wandb/; online: sent at once. Needs zhiyin[wandb].",
    )


class Settings(BaseSettings):
    """All settings of one shop."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        nested_model_default_partial_update=True,
    )

    name: str = Field(default="zhiyin", description="Name of the shop, shown on the pages.")
    language: Literal["en", "zh", "other"] = Field(default="en", description="Language of the catalogue.")
    data: DataSettings = Field(default_factory=DataSettings, description="Files to import.")
    store: StoreSettings = Field(default_factory=StoreSettings, description="Database.")
    bundles: BundleSettings = Field(default_factory=BundleSettings, description="Fitted models.")
    service: ServiceSettings = Field(default_factory=ServiceSettings, description="HTTP service.")
    encoder: EncoderSettings = Field(default_factory=EncoderSettings, description="What reads.")
    policy: PolicySettings = Field(default_factory=PolicySettings, description="Choice of places.")
    belief: BeliefSettings = Field(default_factory=BeliefSettings, description="What answers to lists teach.")
    ranking: RankingSettings = Field(default_factory=RankingSettings, description="Candidates and diversity.")
    labels: dict[str, LabelSettings] = Field(default_factory=dict, description="Label models, by name.")
    profile: ProfileSettings = Field(default_factory=ProfileSettings, description="Profiles in words.")
    recipe: DefaultRecipe = Field(default_factory=DefaultRecipe, description="What is fitted, and how.")
    tower: TowerRecipe = Field(default_factory=TowerRecipe, description="How `zhiyin train text` adapts a model.")
    reranker: RerankerSettings = Field(default_factory=RerankerSettings, description="Who reads candidates.")
    cross: CrossRecipe = Field(default_factory=CrossRecipe, description="How `zhiyin train reranker` learns.")
    tracking: TrackingSettings = Field(default_factory=TrackingSettings, description="Notes on runs.")
    folder: Path = Field(default=Path(), exclude=True, description="Where zhiyin.toml is; set when it is loaded.")

    @field_validator("labels")
    @classmethod
    def _names_can_be_used(cls, labels: dict[str, LabelSettings]) -> dict[str, LabelSettings]:
        for name in labels:
            check_label_name(name)
        return labels

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """A variable wins over the file, which comes as arguments."""
        return env_settings, init_settings

    def digest(self) -> str:
        """A name for the settings that shape a list, and only those: policy, ranking, labels of harm, how loud a
        profile is, who reads again. What is as usual is left out: lists logged before keep their name."""
        shaping: dict[str, object] = {"policy": self.policy.shaping, "ranking": self.ranking.model_dump()}
        if self.harm_rules:
            shaping["harm"] = [
                [rule.name, *sorted(rule.labels), rule.penalty, rule.block, rule.least] for rule in self.harm_rules
            ]
        if loud := self.profile.model_dump(include={"lift", "cost", "read"}, exclude_defaults=True):
            shaping["profile"] = loud
        if curious := self.belief.shaping:
            shaping["belief"] = curious
        if read := self.reranker.shaping():
            shaping["reranker"] = read
        return hashlib.sha256(orjson.dumps(shaping, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]

    @property
    def harm_rules(self) -> tuple[HarmRule, ...]:
        """Of the label models that know harm, in the order of their names."""
        return tuple(one.harm(name) for name, one in sorted(self.labels.items()) if one.harmful)

    @property
    def declared(self) -> frozenset[str]:
        """Attributes of items that these settings speak of, whether or not an item has them."""
        of_file = self.data.items.attributes if self.data.items is not None else ()
        return frozenset((*self.data.attributes, *of_file, *self.labels))

    def store_url(self) -> str:
        """The database's address with the file of SQLite seen from anywhere."""
        path = self.store.url.removeprefix("sqlite:///")
        if path == "memory:" or "://" in path:
            return self.store.url
        return f"sqlite:///{self.path(path)}"

    def path(self, name: str) -> Path:
        """A file or folder that the settings name, seen from anywhere."""
        return (self.folder / name).resolve()
