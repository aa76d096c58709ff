from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import small_shop as program
from small_shop import shop_in, shop_on_disk, small_shop

from zhiyin.bundle import bundles_in
from zhiyin.errors import BrokenBundle, NotFound, NotPublishable, ZhiyinError
from zhiyin.evaluation.posing import Terms
from zhiyin.evaluation.record import Evaluation, Gain, attach, attached
from zhiyin.evaluation.standings import WHOLE, load_standings, save_standings
from zhiyin.shop import Zhiyin
from zhiyin.testing.encoders import HashEncoder
from zhiyin.testing.small import small_catalogue, small_events
from zhiyin.types import Query
from zhiyin.workflows.evaluate import evaluate_bundle
from zhiyin.workflows.publish import publish, rollback
from zhiyin.workflows.train import UNFINISHED, train

pytestmark = pytest.mark.slow  # many fits: not in the fast loop

QUICK = Terms(resamples=100)


class OtherEncoder(HashEncoder):
    """Reads alike, and says it is another."""

    fingerprint = "hashed-words-v2:64"


def measured(shop: Zhiyin, seed: int, *, perfect: bool = False) -> str:
    """A trained bundle with an evaluation that is no worse than any baseline; `perfect`: everybody found at once
    what they wanted."""
    name = train(shop, seed).bundle
    found = evaluate_bundle(shop, name, QUICK)
    best = {peer: {m: Gain(0.1, 0.05, 0.2) for m in gains} for peer, gains in found.whole.gains.items()}
    attach(shop.bundles, replace(found, whole=replace(found.whole, gains=best)))
    if perfect:
        standings = load_standings(shop.bundles, name)
        ranks = replace(standings[WHOLE].ranks, above=0 * standings[WHOLE].ranks.above)
        save_standings(shop.bundles, name, {WHOLE: replace(standings[WHOLE], ranks=ranks)})
    return name


def losing(shop: Zhiyin, name: str) -> Evaluation:
    """An evaluation that says every baseline is better."""
    found = evaluate_bundle(shop, name, QUICK)
    worse = {peer: {m: Gain(-0.2, -0.3, -0.1) for m in gains} for peer, gains in found.whole.gains.items()}
    attach(shop.bundles, evaluation := replace(found, whole=replace(found.whole, gains=worse)))
    return evaluation


def live(shop: Zhiyin) -> str:
    """The bundle that answers."""
    return shop.compute(Query(user_id="user 1")).bundle


def test_a_measured_bundle_goes_live(tmp_path: Path) -> None:
    shop = small_shop(tmp_path)
    name = measured(shop, 1)
    published = publish(shop, name[:8])
    assert published.publication.bundle == name == live(shop)
    assert published.publication.reason == "published"


def test_a_bundle_that_was_not_measured_is_refused_with_the_cure(tmp_path: Path) -> None:
    shop = small_shop(tmp_path)
    first, second = measured(shop, 1), train(shop, 2).bundle
    publish(shop, first)
    with pytest.raises(NotPublishable, match=f"zhiyin evaluate {second[:12]}"):
        publish(shop, second)
    assert live(shop) == first


def test_a_zero_shot_bundle_is_published_as_such(tmp_path: Path) -> None:
    shop = small_shop(tmp_path, events=[])
    published = publish(shop, train(shop).bundle)
    assert "nothing was measured" in published.said[0]
    assert shop.compute(Query(text="flute")).mode == "zero_shot"


def test_worse_than_the_best_baseline_is_refused_and_force_records_why(tmp_path: Path) -> None:
    shop = small_shop(tmp_path)
    name = train(shop).bundle
    losing(shop, name)
    with pytest.raises(NotPublishable, match="wins on ndcg@10"):
        publish(shop, name)
    assert shop.publication() is None
    forced = publish(shop, name, force=True)
    assert forced.publication.reason.startswith("published by force: ")
    assert "wins on ndcg@10" in forced.publication.reason
    assert live(shop) == name


def test_what_was_measured_with_the_answers_in_the_texts_is_refused(tmp_path: Path) -> None:
    """Everybody's last event is a review, and the catalogue quotes it."""
    texts = {item.item_id: item.text for item in small_catalogue()}
    events = small_events(60)
    last = {event.user_id: place for place, event in enumerate(events)}
    for place in last.values():
        events[place] = replace(events[place], type="review", value=5.0, text=texts[str(events[place].item_id)])
    shop = small_shop(tmp_path, events=events)
    name = train(shop).bundle
    found = evaluate_bundle(shop, name, QUICK)
    assert [leak.name for leak in found.refused] == ["quoted_reviews"]
    assert attached(shop.bundles, name) == found
    with pytest.raises(NotPublishable, match=r"worth nothing, since of .* wanted items"):
        publish(shop, name)


def test_worse_than_what_is_live_on_the_same_split_is_refused(tmp_path: Path) -> None:
    shop = small_shop(tmp_path)
    good, bad = measured(shop, 1, perfect=True), measured(shop, 2)
    publish(shop, good)
    with pytest.raises(NotPublishable, match="worse than what is live"):
        publish(shop, bad)
    assert live(shop) == good


def test_better_than_what_is_live_goes_live_and_says_by_how_much(tmp_path: Path) -> None:
    shop = small_shop(tmp_path)
    old, new = measured(shop, 1), measured(shop, 2, perfect=True)
    publish(shop, old)
    assert any(f"of bundle {old[:12]}, live now" in sentence for sentence in publish(shop, new).said)


def test_what_was_measured_on_other_data_is_not_compared_and_that_is_said(tmp_path: Path) -> None:
    shop = small_shop(tmp_path)
    old = measured(shop, 1, perfect=True)
    publish(shop, old)
    shop.add_events([replace(event, event_id=f"later {event.event_id}") for event in small_events(9, seed=9)])
    said = publish(shop, measured(shop, 2)).said
    assert any(f"not compared with bundle {old[:12]}" in sentence for sentence in said)


def cut_short(folder: Path) -> None:
    file = folder / "taste.safetensors"
    file.write_bytes(file.read_bytes()[:-7])


def flip_a_byte(folder: Path) -> None:
    file = folder / "meaning.safetensors"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def change_the_manifest(folder: Path) -> None:
    file = folder / "manifest.json"
    file.write_bytes(file.read_bytes().replace(b'"seed": 2', b'"seed": 3'))


def lose_a_file(folder: Path) -> None:
    (folder / "vocabulary.arrow").unlink()


@pytest.mark.parametrize("damage", [cut_short, flip_a_byte, change_the_manifest, lose_a_file])
@pytest.mark.parametrize("force", [False, True])
def test_a_damaged_bundle_is_refused_and_the_old_one_serves_on(
    tmp_path: Path, damage: Callable[[Path], None], force: bool
) -> None:
    shop = small_shop(tmp_path)
    old, new = measured(shop, 1), measured(shop, 2)
    publish(shop, old)
    damage(shop.bundles / new)
    with pytest.raises(BrokenBundle):
        publish(shop, new, force=force)
    assert live(shop) == old
    reopened = shop_in(tmp_path, shop.store)
    assert live(reopened) == old


def test_a_bundle_of_another_encoder_is_refused(tmp_path: Path) -> None:
    shop = small_shop(tmp_path)
    old = measured(shop, 1)
    publish(shop, old)
    other = shop_in(tmp_path, shop.store, OtherEncoder())
    new = train(other, 2).bundle
    with pytest.raises(BrokenBundle, match="hashed-words-v2"):
        publish(shop, new, force=True)
    assert live(shop) == old


def test_an_unknown_name_is_not_found(tmp_path: Path) -> None:
    shop = small_shop(tmp_path)
    with pytest.raises(NotFound, match="no bundle begins"):
        publish(shop, "abcdef")


def test_rollback_goes_back_one_bundle_and_then_one_further(tmp_path: Path) -> None:
    shop = small_shop(tmp_path)
    a, b, c = (measured(shop, seed) for seed in (1, 2, 3))
    for name in (a, b, b, c):
        publish(shop, name, force=True)
    assert rollback(shop).publication.bundle == b == live(shop)
    assert rollback(shop).publication.bundle == a == live(shop)
    with pytest.raises(NotPublishable, match="no other bundle"):
        rollback(shop)
    publish(shop, c, force=True)
    assert rollback(shop).publication.bundle == a


def test_rollback_to_a_damaged_bundle_is_refused_and_what_is_live_stays(tmp_path: Path) -> None:
    shop = small_shop(tmp_path)
    a, b = measured(shop, 1), measured(shop, 2)
    for name in (a, b):
        publish(shop, name, force=True)
    cut_short(shop.bundles / a)
    with pytest.raises(BrokenBundle):
        rollback(shop)
    assert live(shop) == b


def killed_after(lines: int, *arguments: str) -> list[str]:
    """Run the program of small_shop.py and SIGKILL it as soon as it has said so many lines; what it said."""
    said = []
    with subprocess.Popen(
        [sys.executable, program.__file__, *arguments], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        for line in child.stdout:
            said.append(line.split())
            if len(said) == lines:
                os.kill(child.pid, signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL
    return [line[1] for line in said if len(line) == 2]


@pytest.mark.slow
@pytest.mark.parametrize("lines", [1, 2, 5])
def test_killed_while_publishing_what_was_acknowledged_is_live_and_sound(tmp_path: Path, lines: int) -> None:
    names = on_disk(tmp_path)
    said = killed_after(lines, "publish", str(tmp_path), *names)
    with shop_on_disk(tmp_path) as shop:
        done = [entry.bundle for entry in reversed(shop.store.publications())]
        assert done[: len(said)] == said, "nothing acknowledged is lost"
        assert done == [names[place % 2] for place in range(len(done))], "and nothing is half there"
        assert live(shop) == done[-1]


@pytest.mark.slow
def test_killed_while_training_every_bundle_that_is_there_is_whole(tmp_path: Path) -> None:
    (old, _) = on_disk(tmp_path)
    with shop_on_disk(tmp_path) as shop:
        shop.publish(old)
    said = killed_after(2, "train", str(tmp_path))
    with shop_on_disk(tmp_path) as shop:
        assert live(shop) == old
        whole = [path.name for path in shop.bundles.iterdir() if not path.name.startswith(".")]
        assert {old, *said} <= set(whole)
        for name in whole:
            assert shop.bundle(name).name == name


def test_what_killed_trainings_left_half_made_is_cleared_away_by_the_next(tmp_path: Path) -> None:
    half = "import os, sys; from pathlib import Path; from zhiyin.files import drafted\n"
    half += "with drafted(Path(sys.argv[1])) as draft:\n    (draft / 'words.safetensors').write_bytes(b'half')\n"
    with shop_on_disk(tmp_path) as shop:
        shop.put_items(small_catalogue())
        killed = subprocess.run(
            [sys.executable, "-c", f"{half}    os.kill(os.getpid(), 9)", str(shop.bundles)], check=False
        )
        assert killed.returncode == -signal.SIGKILL
        (shop.bundles / UNFINISHED).mkdir()
        (shop.bundles / UNFINISHED / "sequence-0.safetensors").write_bytes(b"of another lesson")
        assert [path.name for path in bundles_in(shop.bundles)] == []
        made = train(shop).bundle
        assert [path.name for path in shop.bundles.iterdir()] == [made]


def test_two_trainings_of_the_same_at_once_make_one_whole_bundle(tmp_path: Path) -> None:
    with shop_on_disk(tmp_path) as shop:
        shop.put_items(small_catalogue())
        shop.add_events(small_events(20))
        with ThreadPoolExecutor(2) as threads:
            made = {trained.bundle for trained in threads.map(lambda _: train(shop), range(2))}
        assert [{path.name} for path in shop.bundles.iterdir()] == [made]
        assert shop.bundle(made.pop()).manifest.mode == "trained"


def on_disk(folder: Path) -> list[str]:
    """The names of two bundles of a shop on disk."""
    with shop_on_disk(folder) as shop:
        shop.put_items(small_catalogue())
        shop.add_events(small_events(60))
        return [train(shop, seed).bundle for seed in (101, 102)]


def test_every_refusal_is_an_error_of_the_tree() -> None:
    assert issubclass(NotPublishable, ZhiyinError)
    assert issubclass(BrokenBundle, ZhiyinError)
