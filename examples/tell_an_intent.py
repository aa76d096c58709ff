"""What a customer wants, and what is answered: python examples/tell_an_intent.py FOLDER_OF_A_SHOP "a question"

docs/tutorial/labels.md says how `zhiyin label train intent --texts questions.csv` makes the model.
"""

from __future__ import annotations

import sys

from zhiyin import Zhiyin
from zhiyin.workflows.labels.asking import classify

with Zhiyin.open(sys.argv[1]) as shop:
    (found,) = classify(shop, "intent", [sys.argv[2]]).texts
print("unknown" if found.unknown else found.labels[0], f"{found.probability:.2f}", found.answer or "")
