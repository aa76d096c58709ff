"""Log-odds with an informative prior: what one person's things have more often than everybody's.

    δ = logit((y + α b) / (n + α)) − logit(b),   σ² = 1 / (y + α b) + 1 / (n + α − y − α b),   z = δ / σ

y of the person's n things have the trait, a share b of all have it; the prior is worth α things of the usual kind.
So two of two is little where everybody has it, and much where nobody does. Monroe, Colaresi & Quinn 2008
("Fightin' Words"), eq. 15 to 22; the background is so much larger than one person that its variance is left out,
and a trait is there or not (they count words of a text), so both terms of the variance of a logit stand.
"""

from __future__ import annotations

from math import log, sqrt

import numpy as np

from zhiyin.data.dataset import Doubles

PRIOR = 10.0  # things of the usual kind that the prior is worth
STANDS_OUT = 2.0  # z from which on a trait is told
LEAST, MOST = 1e-6, 1 - 1e-6  # shares that a background may have


def z_score(count: float, n: float, base: float) -> float:
    """The same of one trait, without arrays."""
    b = min(max(base, LEAST), MOST)
    having, lacking = count + PRIOR * b, max(n - count, 0.0) + PRIOR * (1.0 - b)
    return (log(having / lacking) - log(b / (1.0 - b))) / sqrt(1.0 / having + 1.0 / lacking)


def z_scores(counts: Doubles, n: float, base: Doubles) -> Doubles:
    """(T,) z of traits that `counts` (T,) of `n` things have, and a share `base` (T,) of all. Counts may be
    fractions: a glance is less than a purchase."""
    b = np.clip(base, LEAST, MOST)
    having = counts + PRIOR * b
    lacking = np.maximum(n - counts, 0.0) + PRIOR * (1.0 - b)
    delta = np.log(having / lacking) - np.log(b / (1.0 - b))
    return np.asarray(delta / np.sqrt(1.0 / having + 1.0 / lacking), np.float64)
