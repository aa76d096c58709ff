"""From what was measured to one HTML file: templates that escape every name, the pages' own style, no script."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import orjson
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from zhiyin.bundle import SHORT
from zhiyin.evaluation.comparison import Comparison
from zhiyin.evaluation.record import FILE as EVALUATION
from zhiyin.evaluation.record import Evaluation, Gain
from zhiyin.evaluation.verdict import permutation
from zhiyin.files import appearing
from zhiyin.workflows.courses import Simulated
from zhiyin.workflows.report import duel, parts, regret
from zhiyin.workflows.report.figures import Headline
from zhiyin.workflows.report.wording import (
    between,
    bounds_of,
    duration,
    measure_title,
    number,
    peer_title,
    percent,
    sentence,
    tone_of,
)

LOOK = "service/pages/static/look.css"  # the style of the service's pages, as a file: nothing of them is imported


def report_in(folder: Path, bundle: str) -> Path:
    """Where the report on a bundle lies, beside its JSON."""
    return (folder / bundle / EVALUATION).with_suffix(".html")


def write_page(path: Path, page: str) -> None:
    """It appears whole or not at all."""
    with appearing(path) as draft:
        draft.write_text(page, "utf-8", errors="replace")


def page_of(found: Evaluation | Comparison | Simulated) -> str:
    """The report on what was measured."""
    if isinstance(found, Simulated):
        return _page(
            "simulation.html", title=f"{found.shop}: simulation", shop=found.shop, found=found, regret=regret
        )
    return evaluation_page(found) if isinstance(found, Evaluation) else comparison_page(found)


def evaluation_page(found: Evaluation) -> str:
    """The report on one bundle, or on a recipe before a published protocol."""
    return _page(
        "evaluation.html",
        title=f"{found.shop}: evaluation",
        shop=found.shop,
        found=found,
        name=found.bundle[:SHORT],
        headline=_headline(found),
        parts=parts,
        permutation=permutation(found.permuted) if found.permuted else "",
        seconds={name.replace("_", " "): duration(took) for name, took in found.seconds.items()},
        recipe=orjson.dumps(found.recipe, option=orjson.OPT_INDENT_2).decode(),
    )


def comparison_page(found: Comparison) -> str:
    """The report on two bundles."""
    whole = found.metrics[found.main]
    return _page(
        "comparison.html",
        title=f"{found.shop}: champion and challenger",
        shop=found.shop,
        found=found,
        headline=duel.headline(found),
        whole=whole,
        duel=duel,
        baseline=f"{peer_title(found.baseline)}, has {number(found.baseline_value)}",
    )


def _headline(found: Evaluation) -> Headline:
    whole, best = found.whole, found.whole.best_peer(found.main)
    gain, theirs = whole.gains[best][found.main], whole.peers[best][found.main]
    ours = whole.ours[found.main]
    return Headline(
        "worse" if found.refused else tone_of(gain),
        _said(found, gain, peer_title(best)),
        number(ours),
        f"{found.main}, 95 % interval {between(whole.interval[found.main])}",
        percent(ours, theirs) or number(gain.value, signed=True),
        f"against {peer_title(best)}, the best baseline: {number(theirs)}; difference "
        f"{number(gain.value, signed=True)} {between(bounds_of(gain), signed=True)}",
    )


def _said(found: Evaluation, gain: Gain, best: str) -> str:
    if found.refused:
        return "These numbers are worth nothing: the answers were known"
    return {
        "better": "Better than every baseline",
        "worse": f"{best} is better",
        "even": f"Not shown to be better than {best}",
    }[tone_of(gain)]


def _page(template: str, **values: object) -> str:
    environment = Environment(
        loader=PackageLoader("zhiyin.workflows.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(measure_title=measure_title, sentence=sentence, duration=duration)
    style = Markup((files("zhiyin") / LOOK).read_text("utf-8"))
    style += Markup((files(__package__) / "templates" / "report.css").read_text("utf-8"))
    return environment.get_template(template).render(style=style, **values)
