"""Writes the tables of results into the docs, from benchmarks/*/results/*.json and from nothing else.

    python benchmarks/tables.py            # writes docs/results.md and the blocks in both READMEs
    python benchmarks/tables.py --check    # exits with 1 where a page is not what the results say

A test runs the check, so a number in a README has a results file or the build is red.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
START, END = "<!-- results:start -->", "<!-- results:end -->"
HEADLINES = {"README.md": ("measured on", "goal"), "README.zh-CN.md": ("测于", "目标")}
SHOWN = (
    ("S8", "seconds"),
    ("S7", "cold_start_s"),
    ("S5", "seconds"),
    ("Q1", "ndcg@10"),
    ("Q3", "ndcg@20"),
    ("Q5", "ratio_to_ease"),
)
TITLES = {
    "A1": "A language model adapted to what people do, by each efficient method",
    "C1": "A language model made smaller, step by step, on a CPU",
    "E1": "Carousels of 12 of 862 items: regret in % of that of random lists, two kinds of feedback",
    "E2": "Supervised sets as bandits: share of wrong choices, with exact propensities, and with a floor of 2 %",
    "E3": "12 places with their probabilities from 1,000 candidates of 64 numbers; updates of the belief",
    "E4": "Another policy by the log: how often intervals hold the truth, and the distance to another library",
    "E5": "Experiments that are looked at every day and every hour: false positives, and what is found",
    "E6": "New people: what their first ratings tell of all others, MovieLens 100K",
    "B1": "What beliefs are worth to made-up people",
    "B2": "Purchases a day after a click: what open windows foretell, beside waiting for them",
    "H1": "Harmful sentences, after the synthetic examples that come along",
    "K1": "The click model, alone, beside the other channels, with people's own texts, and its latency",
    "L1": "Which texts to label next: by doubt and spread, or by chance",
    "P1": "What pictures tell: clothes by their photographs alone",
    "Q1": "Sequential recommendation, amazon_beauty, strict leave-one-out, full ranking",
    "Q2": "Sequential recommendation, ml1m, leave-one-out",
    "Q3": "Cold items, citeulike, the published cold split",
    "Q4": "Warm and all items, citeulike, the same split",
    "Q5": "Collaborative filtering, ml1m, random 80/20",
    "Q6": "Global time split, online_retail",
    "Q7": "Knowledge graph set, ml100k, MCRec split",
    "Q8": "Vectors of texts and images, amazon_scientific",
    "Q9": "A language model that reads as people of the shop do, beside itself as it was",
    "Q10": "Labels of texts: intents, sentiment, categories",
    "Q11": "Does the language model help?",
    "Q12": "People never seen in training, 1, 3 or 5 events given",
    "Q13": "Zero-shot: nothing learned from behaviour",
    "R1": "Three of ten items without any text",
    "S1": "One recommendation in process, 100,000 items, histories of 50, one core",
    "S2": "HTTP /v1/recommend, 20 items, durable log on, load from the same machine",
    "S3": "Event to next answer; new item to recommendable",
    "S4": "Events in, over HTTP and by bulk import, durable",
    "S5": "Training with the default recipe, 1,000,000 events of 10,000 items, nothing cached",
    "S6": "Titles read a second",
    "S7": "Start-up, 100,000 items",
    "S8": "Fresh environment to first recommendation on the demo, warm package cache",
    "T1": "The default recipe beside the same one, tuned",
    "X1": "The first candidates read again by a cross-encoder, with and without",
}


def main() -> None:
    pages = {ROOT / "docs" / "results.md": results_page()}
    for name, (measured, goal) in HEADLINES.items():
        pages[ROOT / name] = with_block((ROOT / name).read_text(encoding="utf-8"), headline(measured, goal))
    stale = [path for path, text in pages.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if "--check" in sys.argv:
        sys.exit("\n".join(f"{path.relative_to(ROOT)} is not what the results say" for path in stale) or 0)
    for path in stale:
        path.write_text(pages[path], encoding="utf-8")


def results() -> dict[str, dict[str, object]]:
    """Every results file by its id."""
    found = (json.loads(path.read_text()) for path in sorted(ROOT.glob("benchmarks/*/results/*.json")))
    return {result["id"]: result for result in found}


def results_page() -> str:
    """docs/results.md: a section a benchmark, ours beside peers and goal, a line for each number."""
    lines = ["# Results", "", "Generated from benchmarks/*/results by benchmarks/tables.py; do not edit.", ""]
    for name, result in sorted(results().items(), key=lambda found: (found[0][0], int(found[0][1:]))):
        measured = f"{result['date'][:10]}, commit {result['commit']}, {machine(result)}."
        lines += [f"## {name}: {TITLES.get(name, name)}", "", f"{measured} {result.get('note', '')}".strip(), ""]
        lines += [*table(result), *others(result.get("searched", {})), *chain(result.get("steps", {})), ""]
    return "\n".join(lines)


def table(result: dict[str, object]) -> list[str]:
    """Each number of ours beside its interval, its goal, and those peers that have it."""
    ours, peers = result["ours"], result.get("peers", {})
    columns = {"ours": ours, "95 % interval": result.get("interval", {}), "goal": result["goal"]}
    columns |= {name.replace("_", " "): peer for name, peer in peers.items() if isinstance(peer, dict)}
    columns = {name: numbers for name, numbers in columns.items() if set(numbers) & set(ours)}
    lines = ["| | " + " | ".join(columns) + " |", "|---|" + "---|" * len(columns)]
    for key in ours:
        lines.append(f"| {key} | " + " | ".join(cell(numbers.get(key, "")) for numbers in columns.values()) + " |")
    beside = ", ".join(f"{key} {cell(value)}" for key, value in peers.items() if not isinstance(value, dict))
    return [*lines, "", f"Beside: {beside}."] if beside else lines


def others(searched: dict[str, dict[str, object]]) -> list[str]:
    """What libraries of others chose and what that cost, a row each."""
    if not searched:
        return []
    minutes = max(float(told["minutes"]) for told in searched.values())
    lines = [
        "",
        f"Libraries of others, each with {cell(minutes)} minutes to search its settings in, or for a net to learn "
        "in: with few of them a net sees the data once or twice, which says nothing of what it could learn.",
    ]
    lines += ["", "| library | settings chosen | tried | search, fit, score | peak |", "|---|---|---|---|---|"]
    for name, told in searched.items():
        settings = ", ".join(f"{key} {cell(value)}" for key, value in told["settings"].items()) or "its usual ones"
        seconds = ", ".join(f"{cell(float(took))} s" for took in told["seconds"].values())
        peak = f"{told['peak_mb']:,} MB"
        lines.append(f"| {name.replace('_', ' ')} | {settings} | {told['tried']} | {seconds} | {peak} |")
    return lines


def chain(steps: dict[str, dict[str, float]]) -> list[str]:
    """One step after another, a row each."""
    if not steps:
        return []
    columns = list(dict.fromkeys(name for numbers in steps.values() for name in numbers))
    lines = [
        "",
        "| | " + " | ".join(name.replace("_", " ") for name in columns) + " |",
        "|---|" + "---|" * len(columns),
    ]
    return lines + [
        f"| {name} | " + " | ".join(cell(numbers.get(column, "")) for column in columns) + " |"
        for name, numbers in steps.items()
    ]


def headline(measured: str, goal: str) -> str:
    """A short table for a README."""
    known = results()
    shown = [(name, key) for name, key in SHOWN if name in known and key in known[name]["ours"]]
    if not shown:
        return ""
    lines = ["", f"| | {measured} 2 cores | {goal} |", "|---|---|---|"]
    for name, key in shown:
        bound = known[name]["goal"].get(key, "")
        lines.append(f"| {TITLES[name]}: `{key}` | {cell(known[name]['ours'][key])} | {cell(bound)} |")
    return "\n".join([*lines, "", "[All results](docs/results.md)", ""])


def with_block(page: str, block: str) -> str:
    before, _, rest = page.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}\n{block}{END}{after}"


def machine(result: dict[str, object]) -> str:
    told = result["machine"]
    return f"{told['cores']} cores, {told.get('ram', str(told.get('ram_gb', '?')) + ' GiB')}"


def cell(value: object) -> str:
    match value:
        case [str() as sense, float() | int() as bound]:
            return f"{'≤' if sense == 'at most' else '≥'} {cell(bound)}"
        case [float() | int() as low, float() | int() as high]:
            return f"{cell(low)} – {cell(high)}"
        case float():
            return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.4g}"
    return str(value)


if __name__ == "__main__":
    main()
