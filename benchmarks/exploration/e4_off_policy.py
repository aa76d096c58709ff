"""E4: do intervals hold what they promise, and are the estimates those of another library?

    python benchmarks/exploration/e4_off_policy.py [--runs 500] [--seed 100] [--cache DIR]

Logs with a known truth (logs.py), floors of 0, 2 and 10 %, 2,000 and 20,000 acts. Coverage is counted where the
light is not red; beside it the same interval asked without a light and without what is known of both policies. The
estimates are held against Open Bandit Pipeline's, on the same arrays, in an environment of its own. No interval is
offered for DM: its share of truths within 1.96 standard errors is printed to show why.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from time import perf_counter

import numpy as np
from _result import Goal, write
from guests import environment
from logs import Log, World, drawn

from zhiyin.metrics.bounds import NORMAL, expected_variance, normal, weighted
from zhiyin.metrics.off_policy import Estimate, dm, dr, ips, sndr, snips, switch_dr
from zhiyin.metrics.overlap import Overlap

HERE = Path(__file__).parent
FLOORS, SIZES = (0.0, 0.02, 0.1), (2_000, 20_000)
LOGS_A_WORLD, MOST = 10, 10.0
LEAST = 25  # answers, of which a share is told
COMPARED = 5  # logs that the other library estimates, too


def main() -> None:
    given, started = arguments(), perf_counter()
    found = {(floor, n): one_case(floor, n, given) for floor in FLOORS for n in SIZES}
    gap = max(beside_obp(floor, n, given) for floor in FLOORS for n in SIZES)
    shares = {
        f"{name}_floor{floor:g}_n{n}": value for (floor, n), case in found.items() for name, value in case.items()
    }
    lit = [value for name, value in shares.items() if name.startswith(("dr_", "bernstein_"))]
    ours = {"coverage": min(lit), "max_gap_to_obp": gap, **shares}
    goal = {"coverage": Goal(0.93, "at least"), "max_gap_to_obp": Goal(1e-6, "at most")}
    told = {
        "data": f"made-up logs with a truth, {given.runs} a case, a new world every {LOGS_A_WORLD}",
        "seconds": {"all": round(perf_counter() - started, 1)},
        "runs": given.runs,
        "note": "dr, bernstein: shares of the intervals that hold the truth where the light is not red, told from "
        f"{LEAST} on; unlit, dm: the same of 1.96 standard errors of dr and dm, without a light; thresholds were "
        "chosen on other seeds",
    }
    write("E4", ours, goal, {}, told)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--seed", type=int, default=100, help="of the first world")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "zhiyin-peers")
    return parser.parse_args()


def one_case(floor: float, n: int, given: argparse.Namespace) -> dict[str, float]:
    """Shares of the runs in which an interval holds the truth, and of the lights."""
    held: defaultdict[str, list[bool]] = defaultdict(list)
    lights: Counter[str] = Counter()
    world = World.of(given.seed, floor)
    for run in range(given.runs):
        if run % LOGS_A_WORLD == 0:
            world = World.of(given.seed + run, floor)
        log = drawn(world, n, given.seed + run)
        light, holds = asked(log, world.value)
        lights[light] += 1
        for name, one in holds.items():
            held[name].append(one)
    shares = {name: float(np.mean(one)) for name, one in held.items() if len(one) >= LEAST}
    return shares | {f"light_{light}": lights[light] / given.runs for light in ("green", "amber", "red")}


def asked(log: Log, truth: float) -> tuple[str, dict[str, bool]]:
    """The light, and which intervals hold the truth."""
    logged, model, moments = log.logged, log.model, log.moments
    light = Overlap.of(logged.weights, moments).light
    estimate = dr(logged, model)
    holds = {"unlit": within(estimate, truth), "dm": within(dm(model), truth)}
    if light != "red":
        interval = normal(estimate, expected_variance(logged, model, moments))
        low, high = weighted(logged.weights, logged.rewards)
        holds |= {"dr": interval.low <= truth <= interval.high, "bernstein": bool(low[-1] <= truth <= high[-1])}
    return light, holds


def within(estimate: Estimate, truth: float) -> bool:
    """Whether 1.96 standard errors around it hold the truth."""
    error = estimate.addends.std(ddof=1) / np.sqrt(len(estimate.addends))
    return bool(abs(estimate.value - truth) <= NORMAL * error)


def beside_obp(floor: float, n: int, given: argparse.Namespace) -> float:
    """The largest difference of any estimate to Open Bandit Pipeline's."""
    python = environment(given.cache, "obp.txt", alone=True)
    gaps = []
    for run in range(COMPARED):
        log = drawn(World.of(given.seed + run, floor), n, given.seed + run)
        with tempfile.TemporaryDirectory() as folder:
            problem = Path(folder) / "log.npz"
            arrays = {"rewards": log.rewards, "acts": log.acts, "before": log.of_act(log.before)}
            np.savez(problem, target=log.target, predicted=log.predicted, most=np.array(MOST), **arrays)
            said = subprocess.run(
                [str(python), str(HERE / "peers" / "of_obp.py"), str(problem)],
                check=True, capture_output=True, text=True,
            ).stdout  # fmt: skip
        logged, model = log.logged, log.model
        ours = {
            "ips": ips(logged), "snips": snips(logged), "dm": dm(model), "dr": dr(logged, model),
            "sndr": sndr(logged, model), "switch_dr": switch_dr(logged, model, MOST),
        }  # fmt: skip
        gaps += [abs(ours[name].value - value) for name, value in json.loads(said).items()]
    return max(gaps)


if __name__ == "__main__":
    main()
