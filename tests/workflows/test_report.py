"""The page on one bundle: it says what was measured, asks nothing of the network, and no name breaks out of it."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from small_shop import HOSTILE

from zhiyin.evaluation.record import Evaluation, Gain, Leak, Permuted, split_name
from zhiyin.evaluation.shelves import PERSON_BY_PERSON, STEMS
from zhiyin.metrics.ranking import METRICS
from zhiyin.shop import Zhiyin
from zhiyin.workflows.report import page_of, report_in, write_page
from zhiyin.workflows.report.wording import MEASURES, bucket_title


class Seen(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def page(evaluation: Evaluation) -> str:
    return page_of(evaluation)


def test_the_page_needs_no_network_and_no_script(page: str) -> None:
    seen = Seen(page)
    assert not {"script", "link", "img", "iframe", "object", "embed", "base", "form"} & set(seen.tags)
    assert {value for name, value in seen.attributes if name in ("href", "src", "xlink:href")} <= {
        f"#{value}" for name, value in seen.attributes if name == "id"
    }
    assert not re.search(r"url\(|@import|https?:", page)
    assert "default-src 'none'" in page
    assert not [name for name, _ in seen.attributes if name.startswith("on")]


def test_the_page_tells_what_was_asked_and_what_was_found(page: str, evaluation: Evaluation) -> None:
    text = " ".join(Seen(page).text.split())
    question, whole, main = evaluation.question, evaluation.whole, evaluation.main
    best = whole.best_peer(main)
    for told in (
        evaluation.bundle,
        question.split,
        f"{question.n_candidates:,} items are ranked for everybody",
        f"{question.n_fit_events:,} events (strict)",
        f"{evaluation.resamples:,} bootstrap draws",
        f"{whole.ours[main]:.4f}",
        f"[{whole.interval[main][0]:.4f}, {whole.interval[main][1]:.4f}]",
        f"{whole.peers[best][main]:.4f}",
        f"numpy {evaluation.versions['numpy']}",
        *(bucket_title(name) for name in evaluation.buckets),
        *evaluation.channels,
        *(f"{gain.value:+.4f}".replace("-", "−") for gain in evaluation.worth.values()),
        *(f"{gap.value:+.4f}".replace("-", "−") for gap in evaluation.gaps.values()),
        *(words[1:] for words in evaluation.verdict),
        *(leak.words[1:] for leak in evaluation.warnings),
    ):
        assert told in text, told


def test_every_plot_has_a_title_and_every_table_a_caption(page: str) -> None:
    seen = Seen(page)
    assert seen.tags.count("svg") > 30
    assert page.count("<svg") == len(re.findall(r"<svg[^>]*role=\"img\"[^>]*><title>[^<]+</title>", page))
    assert seen.tags.count("table") == seen.tags.count("caption")
    ids = [value for name, value in seen.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    assert {value for name, value in seen.attributes if name == "aria-labelledby"} <= set(ids)


def test_no_name_of_an_attacker_breaks_out(evaluation: Evaluation) -> None:
    assert f"{HOSTILE} left" in evaluation.buckets, "an attribute of people"
    page = page_of(
        replace(
            evaluation,
            shop=HOSTILE,
            question=replace(evaluation.question, words=HOSTILE, rule=HOSTILE),
            warnings=(Leak(HOSTILE, HOSTILE),),
            notes=(HOSTILE,),
            versions={HOSTILE: HOSTILE},
            recipe={HOSTILE: HOSTILE},
        )
    )
    seen = Seen(page)
    assert "script" not in seen.tags
    assert seen.text.count(HOSTILE) > 8


def test_a_refused_measure_is_said_first(evaluation: Evaluation) -> None:
    page = page_of(replace(evaluation, refused=(Leak("answers_fitted", "all was known"),)))
    heading = re.findall(r"<h1[^>]*>(.*?)</h1>", page)
    assert heading == ["These numbers are worth nothing: the answers were known"]
    assert "All was known. The numbers are worth nothing until this is mended" in Seen(page).text


@pytest.mark.parametrize(
    ("gain", "heading"),
    [
        (Gain(0.2, 0.1, 0.3), "Better than every baseline"),
        (Gain(0.2, -0.1, 0.3), "Not shown to be better than EASE"),
        (Gain(-0.2, -0.3, 0.1), "Not shown to be better than EASE"),
        (Gain(-0.2, -0.3, -0.1), "EASE is better"),
    ],
)
def test_the_headline_claims_what_the_interval_shows(evaluation: Evaluation, gain: Gain, heading: str) -> None:
    peers = {name: {**one, evaluation.main: float(name == "ease")} for name, one in evaluation.whole.peers.items()}
    gains = {name: {**one, evaluation.main: gain} for name, one in evaluation.whole.gains.items()}
    page = page_of(replace(evaluation, whole=replace(evaluation.whole, peers=peers, gains=gains)))
    assert f'<h1 id="headline">{heading}</h1>' in page


def test_the_permutation_test_is_shown_where_it_was_run(evaluation: Evaluation, page: str) -> None:
    assert "zhiyin evaluate --permute" in page
    gain = Gain(0.0123, -0.0045, 0.0678)
    test = Permuted("ndcg@10", 10, 25, 60, {"ours": gain}, {"ours": gain}, gain, vanishes=True)
    shown = Seen(page_of(replace(evaluation, permuted=test))).text
    assert "The permutation test is passed" in shown
    assert "ours, texts of others" in shown
    assert "[−0.0045, +0.0678]" in shown
    assert "--permute" not in shown


def test_gates_of_what_people_had_before_are_shown_where_there_are_any(evaluation: Evaluation) -> None:
    assert evaluation.gates.kinds == ("warm", "cold", "textless cold"), "one item of the small shop has no text"
    rows = ((0.1, 0.2, 0.7777),) * len(evaluation.gates.histories)
    gates = replace(evaluation.gates, kinds=("warm", "cold", "had before"), channels={"repeat": rows})
    page = page_of(replace(evaluation, gates=gates))
    assert "had before items" in page
    assert page.count("<td>0.78</td>") == len(rows)


def test_every_measure_has_its_words() -> None:
    stems = {split_name(name.replace("@", "@10"))[0] for name in METRICS} | set(PERSON_BY_PERSON)
    assert stems | {"auc", "gauc", "coverage", "gini", "rmse", "mae"} == set(MEASURES)
    assert set(PERSON_BY_PERSON) | {"coverage", "gini"} == set(STEMS)
    assert split_name("ndcg@10_full_ideal") == ("ndcg_full_ideal", "10")
    assert split_name("auc") == ("auc", "")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("support 0", "never taken"),
        ("support 5-19", "taken 5–19 times"),
        ("support 100+", "taken 100 times or more"),
        ("history 1", "1 event"),
        ("history 20+", "20 events or more"),
        ("newcomers_3", "new people, 3 events told"),
        ("cold_items", "new items"),
        ("cold items", "cold: taken fewer than 5 times"),
        ("colour red", "colour red"),
    ],
)
def test_buckets_are_named_in_words(name: str, said: str) -> None:
    assert bucket_title(name) == said


def test_the_page_lies_beside_the_evaluation_and_is_written_whole(measured_shop: Zhiyin, tmp_path: Path) -> None:
    live = measured_shop.publication()
    assert live is not None
    kept = report_in(measured_shop.bundles, live.bundle)
    assert kept.parent == measured_shop.bundles / live.bundle
    assert "Evaluation of bundle" in kept.read_text("utf-8")
    write_page(tmp_path / "page.html", "lone \ud800 surrogate")
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
