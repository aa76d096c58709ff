"""What Open Bandit Pipeline estimates of the same log. Runs in an environment of its own.

    python of_obp.py PROBLEM.npz

Reads the log as arrays, prints its estimates as JSON.
"""

import json
import sys

import numpy as np
from obp.ope import (
    DirectMethod,
    DoublyRobust,
    InverseProbabilityWeighting,
    SelfNormalizedDoublyRobust,
    SelfNormalizedInverseProbabilityWeighting,
    SwitchDoublyRobust,
)


def main() -> None:
    with np.load(sys.argv[1], allow_pickle=False) as found:
        log = {name: found[name] for name in found.files}
    told = {
        "reward": log["rewards"],
        "action": log["acts"],
        "pscore": log["before"],
        "action_dist": log["target"][:, :, None],
        "position": np.zeros(len(log["acts"]), np.int64),
    }
    estimators = {
        "ips": InverseProbabilityWeighting(),
        "snips": SelfNormalizedInverseProbabilityWeighting(),
        "dm": DirectMethod(),
        "dr": DoublyRobust(),
        "sndr": SelfNormalizedDoublyRobust(),
        "switch_dr": SwitchDoublyRobust(tau=float(log["most"])),
    }
    predicted = log["predicted"][:, :, None]
    values = {
        name: float(one.estimate_policy_value(**told, estimated_rewards_by_reg_model=predicted))
        for name, one in estimators.items()
    }
    print(json.dumps(values))


if __name__ == "__main__":
    main()
