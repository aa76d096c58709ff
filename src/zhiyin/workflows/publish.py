"""`zhiyin publish` and `zhiyin rollback`: nothing is served that was not measured, and the way back is short.

A bundle goes live by one row in the store, written after it was loaded and verified: killed at any moment, the
old one or the new one serves, never something between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zhiyin.bundle import SHORT, Bundle
from zhiyin.data.store.protocols import Publication
from zhiyin.errors import BrokenBundle, NotPublishable
from zhiyin.evaluation.comparing import Bootstrap
from zhiyin.evaluation.comparison import Versus, versus
from zhiyin.evaluation.record import Evaluation, attached
from zhiyin.evaluation.standings import WHOLE, load_standings
from zhiyin.evaluation.verdict import loses
from zhiyin.shop import Zhiyin

PUBLISHED, ROLLED_BACK, FORCED = "published", "rolled back", "published by force"


@dataclass(frozen=True, slots=True)
class Published:
    """What is live now, and what was said on the way."""

    publication: Publication
    said: tuple[str, ...]


def publish(shop: Zhiyin, name: str, *, force: bool = False) -> Published:
    """Verify a bundle and make it live.

    Raises NotFound, BrokenBundle, and NotPublishable if it was not measured, or is measurably worse than the
    best baseline or than what is live now; `force` goes on all the same and records why it should not have.
    """
    bundle = shop.bundle(name)
    objection, said = _objection(shop, bundle)
    if objection and not force:
        raise NotPublishable(f"bundle {bundle.name[:SHORT]} stays unpublished: {objection}")
    reason = f"{FORCED}: {objection}" if objection else PUBLISHED
    return Published(shop.publish(bundle.name, reason), tuple(said))


def rollback(shop: Zhiyin) -> Published:
    """Make live again what was live before the bundle that is live now; again goes back one further.

    Raises NotPublishable if there was nothing before, NotFound or BrokenBundle if it is no longer sound.
    """
    stack = _stack(shop.store.publications())
    if len(stack) < 2:
        raise NotPublishable("no other bundle was live before this one: zhiyin publish NAME chooses one")
    publication = shop.publish(stack[-2], ROLLED_BACK)
    return Published(publication, (f"bundle {publication.bundle[:SHORT]} is live again",))


def _stack(publications: Sequence[Publication]) -> list[str]:
    """Bundles that went live, oldest first, without those that were rolled back: the last one is live."""
    stack: list[str] = []
    for entry in reversed(publications):
        if entry.reason == ROLLED_BACK and entry.bundle in stack:
            while stack[-1] != entry.bundle:
                stack.pop()
        elif not stack or stack[-1] != entry.bundle:
            stack.append(entry.bundle)
    return stack


def _objection(shop: Zhiyin, bundle: Bundle) -> tuple[str | None, list[str]]:
    """Why this bundle should not go live, if so; and what else there is to say."""
    if bundle.manifest.mode == "zero_shot":
        return None, ["this bundle only reads the catalogue: it learned from no event and nothing was measured"]
    try:
        ours = attached(shop.bundles, bundle.name)
    except BrokenBundle as error:
        return str(error), []
    if ours is None:
        return f"it was not measured: zhiyin evaluate {bundle.name[:SHORT]}, then publish again", []
    if ours.refused:
        return f"its measure is worth nothing, since {ours.refused[0].words}; mend the data and evaluate again", []
    lost = loses(ours.main, ours.whole)
    if lost:
        return f"{lost}; train with another recipe, or publish with --force", []
    return _against_live(shop, ours)


def _against_live(shop: Zhiyin, ours: Evaluation) -> tuple[str | None, list[str]]:
    live = shop.publication()
    if live is None or live.bundle == ours.bundle:
        return None, list(ours.verdict)
    both = _beside(shop, live.bundle, ours)
    if both is None:
        return None, [
            *ours.verdict,
            f"not compared with bundle {live.bundle[:SHORT]}, which is live: zhiyin compare "
            f"{live.bundle[:SHORT]} {ours.bundle[:SHORT]} --again measures both on the same data",
        ]
    words = (
        f"{ours.main} {both.challenger:.4f} against {both.champion:.4f} of bundle {live.bundle[:SHORT]}, live now"
    )
    words += f"; the interval of the difference is [{both.gain.low:+.4f}, {both.gain.high:+.4f}]"
    if both.gain.high < 0:
        return f"it is worse than what is live: {words}; keep that one, or publish with --force", []
    return None, [*ours.verdict, words]


def _beside(shop: Zhiyin, live: str, ours: Evaluation) -> Versus | None:
    """The two on the metric that decides; nothing where they were not asked the same."""
    try:
        theirs = attached(shop.bundles, live)
        champion, challenger = (load_standings(shop.bundles, name)[WHOLE] for name in (live, ours.bundle))
    except BrokenBundle:
        return None
    if theirs is None or theirs.main != ours.main or champion.split != challenger.split:
        return None
    bootstrap = Bootstrap(ours.resamples, ours.seed)
    return versus(champion.of(ours.main), challenger.of(ours.main), bootstrap)
