"""Other wordings of items by a language model at an address: the section [tower.back_translation] of the settings.

No torch: translating needs none, and a shop that never adapts a model reads these settings, too.
"""

from __future__ import annotations

from pydantic import Field, PositiveFloat, PositiveInt, SecretStr, field_validator

from zhiyin.endpoints.named import TRANSLATIONS
from zhiyin.models.base import Recipe


class BackTranslationRecipe(Recipe):
    """Texts of the catalogue are translated there and back before the training; off until `url` is given."""

    url: str = Field(
        default="",
        description="Address of a language model that translates, up to /chat/completions, which is added, as "
        "OpenAI's chat has it: https://HOST/v1; empty: none. Texts of items go there, and nothing that people "
        "typed or did. No redirects.",
    )
    model: str = Field(default="", description="What the endpoint calls the model.")
    key: SecretStr | None = Field(
        default=None,
        description="Sent as Authorization: Bearer KEY; better in ZHIYIN_TOWER__BACK_TRANSLATION__KEY=KEY.",
    )
    languages: tuple[str, ...] = Field(
        default=("fr",),
        min_length=1,
        description="Through which texts go, by code or name; each of them gives an item another wording, and "
        "costs as much as the first.",
    )
    own: str = Field(
        default="",
        description="Language of items that do not tell theirs, by code or name; empty: `language`, where that is "
        "en or zh.",
    )
    share: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description="How often an item that has other wordings is read in one of them while the model learns.",
    )
    temperature: float | None = Field(
        default=None,
        ge=0,
        le=2,
        description="0: the likeliest translation, and less different wordings; unset: what the model takes by "
        "itself.",
    )
    batch: PositiveInt = Field(default=16, description="Most texts of a request.")
    batch_characters: PositiveInt = Field(default=6_000, description="Most characters of the texts of a request.")
    at_once: PositiveInt = Field(default=2, le=64, description="Requests side by side.")
    timeout: PositiveFloat = Field(default=120.0, description="Seconds for each request.")
    attempts: PositiveInt = Field(
        default=6, description="Of a request, with longer and longer waits between; then it goes on without."
    )
    budget_day: PositiveInt = Field(
        default=5_000_000, description="Most characters sent a day (UTC), both ways, counted on disk."
    )
    budget_run: PositiveInt | None = Field(
        default=None, description="Most characters sent by one run; unset: as many as the day allows."
    )
    price: float | None = Field(
        default=None, ge=0, description="Of a million tokens, sent or received: for the estimate before."
    )

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        if url:
            TRANSLATIONS.address(url)
        return url

    @field_validator("languages")
    @classmethod
    def _are_names(cls, languages: tuple[str, ...]) -> tuple[str, ...]:
        for name in languages:
            if not 2 <= len(name) <= 40 or not name.replace("-", " ").replace("_", " ").replace(" ", "").isalpha():
                raise ValueError(f'a language is a code or a name, such as "fr" or "French", got {name[:60]!r}')
        return languages
