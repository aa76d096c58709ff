"""The settings that shape a list: how places are chosen, what is considered, what a profile says."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, SecretStr, field_validator

from zhiyin.endpoints.named import PHRASES
from zhiyin.ranking.house_rules import HouseRule
from zhiyin.ranking.rules import compile_filter
from zhiyin.ranking.standing import LineWeights


class Section(BaseModel):
    """A part of the settings: frozen, and refuses what it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class PolicySettings(Section):
    """How the places of a list are chosen from the scores."""

    name: Literal["greedy", "epsilon_greedy", "softmax", "budgeted"] = Field(
        default="softmax",
        description="greedy shows the best, and nothing can be learned from what it never tries; epsilon_greedy "
        "shows the best and gives `floor` to chance; softmax explores in proportion to the scores; budgeted is a "
        "softmax whose temperature follows from `budget`, place by place.",
    )
    temperature: PositiveFloat = Field(default=0.1, description="Of softmax: higher explores more.")
    tempered: bool = Field(
        default=False,
        description="Of softmax: whether `zhiyin train` looks in the log for a temperature that earns more, a "
        "step at a time from `temperature` on, and lists are drawn at that.",
    )
    adaptive: bool = Field(
        default=False,
        description="Whether the temperature of softmax, or the budget of budgeted, falls as far as nothing is in "
        "doubt about a list's candidates, and rises again where they surprise; never above what is set.",
    )
    floor: float = Field(
        default=0.01,
        ge=0,
        lt=1,
        description="Share of each place's probability that is spread over all candidates; greedy has none.",
    )
    budget: float = Field(
        default=0.02,
        gt=0,
        lt=1,
        description="Of budgeted: the share of the expected reward of any place that may be given up to learn.",
    )
    holdout: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="Share of all lists that chance alone draws from the candidates, to measure the rest against.",
    )

    learned: str = Field(
        default="",
        description="File that `zhiyin train policy` made, such as policies/learned-0123456789abcdef.json, whose "
        "part is added to scores; empty: none.",
    )

    @property
    def shaping(self) -> dict[str, object]:
        """What shapes a list. A holdout, a budget, and what was learned stand there only where there is one: lists
        that were logged before there was such a thing keep the name of their settings."""
        there = {name: bool(getattr(self, name)) for name in ("holdout", "learned", "tempered", "adaptive")}
        there["budget"] = self.name == "budgeted"
        return self.model_dump(exclude={name for name, one in there.items() if not one})


class BeliefSettings(Section):
    """What is learned from answers to lists, and how curious lists are."""

    on: bool = Field(
        default=True,
        description="Whether answers to lists (what came into view, and what was done with it) are learned from.",
    )
    optimism: float = Field(
        default=0.1,
        ge=0,
        le=10,
        description="What a standard deviation of doubt about an item adds to its score, as a share of it: 0 adds "
        "nothing, and only chance tries what is new.",
    )
    window: float = Field(
        default=86_400.0,
        gt=0,
        description="Seconds in which an answer counts; after them what came into view and got none counts as "
        "nothing wanted. Train again after a change.",
    )
    progressive: bool = Field(
        default=False,
        description="Whether what came into view counts before its window has passed, by what was done with it "
        "so far and what that foretold of others. `zhiyin train` learns it, and keeps it only if it would have "
        "foretold better at earlier moments. For windows of days. Train again after a change.",
    )
    half_life: float = Field(
        default=60.0, ge=1, description="Days after which an answer counts half. Train again after a change."
    )

    @property
    def shaping(self) -> dict[str, object]:
        """What shapes a list beyond what a bundle holds, where it is not as usual."""
        return self.model_dump(include={"on", "optimism"}, exclude_defaults=True)


class RuleSettings(Section):
    """A rule of the house: who took this lately gets none of that, or less of it."""

    when: str = Field(
        description='What sets it off, as a filter such as `category = "Baby"`: a recent item that meets it.'
    )
    avoid: str = Field(description='What is then left out or lowered, as a filter such as `category = "Alcohol"`.')
    last: PositiveInt = Field(
        default=20, description="How many of the different items that a person took or liked last are recent."
    )
    cost: PositiveFloat | None = Field(
        default=None,
        description="What is to be avoided loses so much, in units of the score; unset: it is left out.",
    )

    @field_validator("when", "avoid")
    @classmethod
    def _can_be_read(cls, expression: str) -> str:
        compile_filter(expression)
        return expression

    def of(self, name: str) -> HouseRule:
        """The rule under its name."""
        return HouseRule(name, self.when, self.avoid, self.last, self.cost)


class RankingSettings(Section):
    """How many are considered, how alike they may be, and what the house wants."""

    candidates: PositiveInt = Field(default=100, description="Candidates that reach ranking, and are logged.")
    retrieve: PositiveInt = Field(default=150, description="Items that each channel proposes.")
    diversity: float = Field(
        default=0.2, ge=0, description="What being the twin of an item already shown costs, in units of the score."
    )
    repeats: bool = Field(
        default=False, description="Whether what a person already had may come again (groceries, music)."
    )
    rules: dict[str, RuleSettings] = Field(default_factory=dict, description="Rules of the house, by name.")

    @property
    def house_rules(self) -> tuple[HouseRule, ...]:
        """In the order of their names, in which their parts are summed."""
        return tuple(rule.of(name) for name, rule in sorted(self.rules.items()))


class ProfileSettings(Section):
    """What people say of their profile, and who words it."""

    lift: float = Field(
        default=1.5, gt=0, le=100, description="What more of a line adds to what has it, in units of the score."
    )
    cost: float = Field(
        default=4.0, gt=0, le=100, description="What less of a line takes from what has it, in units of the score."
    )
    read: float = Field(
        default=0.4, ge=0, le=10, description="How loud a sentence is beside a history; 1: as a typed wish."
    )

    phrase_url: str = Field(
        default="",
        description="Address of a language model that may word profiles, up to and with /v1, as OpenAI's chat has "
        "it; empty: none. What stands out of a past and what was searched goes there, without ids.",
    )
    phrase_model: str = Field(default="", description="Name of the model at `phrase_url`.")
    phrase_key: SecretStr | None = Field(
        default=None, description="Key for `phrase_url`; better in ZHIYIN_PROFILE__PHRASE_KEY."
    )
    phrase_timeout: float = Field(default=5.0, gt=0, le=60, description="Seconds to wait for `phrase_url`.")

    @field_validator("phrase_url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        if url:
            PHRASES.address(url)
        return url

    @property
    def weights(self) -> LineWeights:
        return LineWeights(self.lift, self.cost, self.read)
