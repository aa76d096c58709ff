"""Options that belong together: each class is one parameter of a command, each field an option (`unfold`)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from zhiyin.cli.options import LogDir, Out
from zhiyin.types import IntervalName, SplitName

if TYPE_CHECKING:
    from zhiyin.evaluation.posing import Terms
    from zhiyin.shop import Zhiyin
    from zhiyin.workflows.compress import Wishes
    from zhiyin.workflows.courses import Scene
    from zhiyin.workflows.off_policy import Question as PolicyQuestion

File = Annotated[Path | None, typer.Option(help="CSV, JSON Lines or Parquet, also gzipped.")]


@dataclass(frozen=True, slots=True)
class Yours:
    """Files that somebody has."""

    items: File = None
    events: File = None
    users: File = None
    relations: File = None
    vectors: Annotated[Path | None, typer.Option(help="Vectors of the items: .npy or Parquet.")] = None


@dataclass(frozen=True, slots=True)
class Hidden:
    """What the lists are to find."""

    split: Annotated[SplitName, typer.Option(help="What is hidden; auto: what the data can answer.")] = "auto"
    given: Annotated[int, typer.Option(min=0, help="Events that new users tell; 0 for four fifths.")] = 0


@dataclass(frozen=True, slots=True)
class Asked(Hidden):
    """And in which part of the data."""

    validation: Annotated[bool, typer.Option("--validation", help="Judge the validation part.")] = False

    def terms(self, *, permute: bool = False) -> Terms:
        """As an evaluation takes them."""
        from zhiyin.evaluation.posing import Terms

        return Terms(self.split, self.given, "validation" if self.validation else "test", permute=permute)


@dataclass(frozen=True, slots=True)
class Written:
    """Files that tell what was found."""

    out: Out = None
    report: Annotated[Path | None, typer.Option(help="Write a page to read, one HTML file.")] = None


@dataclass(frozen=True, slots=True)
class Question(Asked):
    """What is asked of the bundle, or of a recipe on other data."""

    permute: Annotated[bool, typer.Option("--permute", help="Also the permutation test: 11 more fits.")] = False
    protocol: Annotated[Path | None, typer.Option(help="A protocol.json instead of the shop's own past.")] = None
    name: Annotated[str | None, typer.Option(help="A protocol inside that file.")] = None
    deep: Annotated[bool, typer.Option("--deep", help="With --protocol: also with a net, as train --deep.")] = (
        False
    )


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is tried."""

    minutes: Annotated[float, typer.Option(min=0, help="For the recipe, and as many for each baseline.")] = 10.0
    trials: Annotated[int, typer.Option(min=1, help="The most that are tried of each.")] = 200
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0


@dataclass(frozen=True, slots=True)
class Kept:
    """Where what was found goes."""

    write: Annotated[bool, typer.Option("--write", help="Write what was found into zhiyin.toml.")] = False
    out: Out = None
    log_dir: LogDir = None


@dataclass(frozen=True, slots=True)
class Lessons:
    """By whom a smaller model is taught, and for how long."""

    model: Annotated[str, typer.Option(help="That is made smaller; what reads in this shop if not given.")] = ""
    teacher: Annotated[
        list[str] | None, typer.Option(help="A model that teaches beside it; may be given again.")
    ] = None
    minutes: Annotated[float, typer.Option(min=0, help="Of being taught; 0: not at all, without torch.")] = 10.0
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0


@dataclass(frozen=True, slots=True)
class Less:
    """What of a model goes."""

    static: Annotated[bool, typer.Option("--static", help="A table of tokens instead of a net.")] = False
    dim: Annotated[int, typer.Option(min=1, help="Columns of the table.")] = 256
    layers: Annotated[int, typer.Option(min=0, help="Layers that stay; 0: all.")] = 0
    prune: Annotated[bool, typer.Option("--prune", help="Drop tokens that the shop's texts never use.")] = False
    common: Annotated[
        int, typer.Option(min=0, help="With --prune: the first so many tokens stay, used or not.")
    ] = 10_000
    sparsity: Annotated[float, typer.Option(help="Share of the layers' numbers that become zero.")] = 0.0

    def wishes(self, name: str, lessons: Lessons) -> Wishes:
        """As the workflow takes them."""
        from zhiyin.training.distil.compressing import Smaller
        from zhiyin.training.distil.recipe import Teaching
        from zhiyin.workflows.compress import Wishes

        teaching = Teaching(minutes=lessons.minutes)
        smaller = Smaller(self.layers, self.common if self.prune else None, self.sparsity, teaching)
        table = self.dim if self.static else 0
        return Wishes(name, lessons.model, table, smaller, tuple(lessons.teacher or ()), lessons.seed)


@dataclass(frozen=True, slots=True)
class Edits:
    """What a person says of their profile."""

    say: Annotated[list[str] | None, typer.Option(help="In their words: 'slow films, no horror'.")] = None
    edit: Annotated[
        list[str] | None, typer.Option(help="more, less, never or unsaid, and a line: 'less category=Garden'.")
    ] = None


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads a profile."""

    language: Annotated[Literal["en", "zh"], typer.Option(help="Of the reader.")] = "en"
    phrased: Annotated[bool, typer.Option("--phrased", help="Worded by the model of [profile].")] = False


@dataclass(frozen=True, slots=True)
class Other:
    """Another policy than the shop's own."""

    policy: Annotated[str | None, typer.Option(help="Ask about greedy, epsilon_greedy, softmax or budgeted.")] = (
        None
    )
    temperature: Annotated[float | None, typer.Option(help="Of that policy; unset: as in zhiyin.toml.")] = None
    floor: Annotated[float | None, typer.Option(help="Of that policy; unset: as in zhiyin.toml.")] = None
    budget: Annotated[float | None, typer.Option(help="Of budgeted; unset: as in zhiyin.toml.")] = None
    adaptive: Annotated[
        bool | None, typer.Option("--adaptive/--fixed", help="As doubt goes, or not; unset: as in zhiyin.toml.")
    ] = None
    tempered: Annotated[
        bool | None, typer.Option("--tempered/--as-set", help="At what was learned; unset: as in zhiyin.toml.")
    ] = None

    @property
    def said(self) -> dict[str, str | float | None]:
        """The words of [policy]."""
        return {
            "name": self.policy,
            "temperature": self.temperature,
            "floor": self.floor,
            "budget": self.budget,
            "adaptive": self.adaptive,
            "tempered": self.tempered,
        }


@dataclass(frozen=True, slots=True)
class Another(Other):
    """Another policy, and what is worth something."""

    reward: Annotated[str | None, typer.Option(help="An event, as click, that is worth 1; unset: all.")] = None
    interval: Annotated[
        IntervalName, typer.Option(help="bootstrap (over people), normal, bernstein, or anytime.")
    ] = "bootstrap"

    def question(self, shop: Zhiyin) -> PolicyQuestion:
        """As the workflow takes it."""
        from zhiyin.workflows.off_policy import question_of

        if self.policy is None:
            raise typer.BadParameter("name a list by its id, or another policy by --policy")
        return question_of(shop, self.said, self.reward, self.interval)


@dataclass(frozen=True, slots=True)
class Made:
    """Made-up people, and how long they live."""

    rounds: Annotated[int, typer.Option(min=1, help="In each of which everybody comes once.")] = 20
    people: Annotated[int, typer.Option(min=1, help="How many.")] = 40
    seed: Annotated[int, typer.Option(min=0, help="Of everything random.")] = 0
    arriving: Annotated[float, typer.Option(min=0, max=0.5, help="Share of the items that come as new ones.")] = (
        0.05
    )
    learn_every: Annotated[int, typer.Option(min=0, help="Rounds between two trainings; 0: none.")] = 0

    def scene(self, n: int) -> Scene:
        """As the workflow takes it."""
        from zhiyin.workflows.courses import Scene

        return Scene(self.rounds, self.people, n, self.seed, self.arriving, self.learn_every)
