from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.errors import InvalidSettings, NotFound
from zhiyin.settings import FILE, Settings
from zhiyin.settings_file import all_settings, load_settings
from zhiyin.settings_reference import settings_reference
from zhiyin.workflows.toml import toml_of

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "settings.md"


def written(folder: Path, text: str) -> Path:
    (folder / FILE).write_text(text, encoding="utf-8")
    return folder


def test_every_setting_is_described_and_the_page_is_what_the_code_says() -> None:
    assert settings_reference() == PAGE.read_text(encoding="utf-8"), "make the page anew: settings_reference()"
    for dotted in all_settings():
        assert f"| `{dotted.rpartition('.')[2]}` |" in settings_reference()


def test_an_empty_file_gives_the_defaults(tmp_path: Path) -> None:
    settings = load_settings(written(tmp_path, ""))
    assert (settings.service.host, settings.service.port) == ("127.0.0.1", 8420)
    assert settings.store_url() == f"sqlite:///{(tmp_path / 'zhiyin.db').resolve()}"
    assert settings.path("bundles") == (tmp_path / "bundles").resolve()


@pytest.mark.parametrize("url", ["memory:", "postgresql://host/shop", "sqlite:////somewhere/else.db"])
def test_a_store_elsewhere_stays_elsewhere(tmp_path: Path, url: str) -> None:
    assert load_settings(written(tmp_path, f'store.url = "{url}"')).store_url() == url


def test_a_variable_wins_over_the_file_and_leaves_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZHIYIN_SERVICE__PORT", "9000")
    monkeypatch.setenv("ZHIYIN_SERVICE__API_KEYS", "one, two")
    settings = load_settings(written(tmp_path, '[service]\nport = 8000\ncors = ["https://a.org"]'))
    assert settings.service.port == 9000
    assert settings.service.cors == ("https://a.org",)
    assert [key.get_secret_value() for key in settings.service.api_keys] == ["one", "two"]


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("[servce]\nport = 1", "`servce` in .*: did you mean `service`"),
        ("[policy]\ntemprature = 1.0", "did you mean `policy.temperature`"),
        ("temperature = 1.0", "did you mean `policy.temperature`"),
        ("[data.events]\nuser = 'u'\npath = 'a'\nuser_id = 'u'\nitem_id = 'i'", "`data.events.user` in .*user_id"),
        ("[data.signals]\nrating_treshold = 4", "did you mean `data.signals.rating_threshold`"),
        ("[ranking]\nqqqqqqq = 1", "known there: ranking.candidates"),
        ("folder = 'x'", "unknown setting `folder`"),
        ("[data.vectors.mine]\npath = 'a'\nitemid = 'b'", "did you mean `data.vectors.mine.item_id`"),
    ],
)
def test_an_unknown_setting_is_refused_with_the_nearest_known(tmp_path: Path, text: str, near: str) -> None:
    with pytest.raises(InvalidSettings, match=near) as refused:
        load_settings(written(tmp_path, text))
    assert FILE in str(refused.value)


@pytest.mark.parametrize("name", ["ZHIYIN_SERVICE__PROT", "ZHIYIN_SERVCE__PORT", "ZHIYIN_PORT"])
def test_a_misspelled_variable_is_refused_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "1")
    with pytest.raises(InvalidSettings, match=r"did you mean `service(\.port)?`"):
        load_settings(written(tmp_path, ""))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[service]\nport = 99999", "`service.port` of .*got '99999'"),
        ("[policy]\nname = 'magic'", "ZHIYIN_POLICY__NAME.*'greedy', 'epsilon_greedy', 'softmax' or 'budgeted'"),
        ("[data.items]\npath = 'a'", "`data.items.item_id` of .*required"),
        ("[data]\ntime_zone = 'Mars'", "`data.time_zone` of .*Asia/Shanghai"),
        ("[data.items]\npath='a'\nitem_id='i'\ntime_format='late'", "time format is one of iso"),
        ("name = ", "is not TOML"),
    ],
)
def test_an_impossible_value_is_refused_by_its_full_name(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InvalidSettings, match=said):
        load_settings(written(tmp_path, text))


def test_a_key_is_never_printed(tmp_path: Path) -> None:
    settings = load_settings(written(tmp_path, '[service]\napi_keys = ["geheim"]'))
    assert "geheim" not in f"{settings!r} {settings} {settings.model_dump_json()}"
    for text in ('[service]\napi_keys = [["geheim"]]', '[service]\napi_keys = { geheim = "geheim" }'):
        with pytest.raises(InvalidSettings, match="api_keys") as refused:
            load_settings(written(tmp_path, text))
        assert "geheim" not in str(refused.value)


def test_without_a_file_the_cure_is_init(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="zhiyin init"):
        load_settings(tmp_path)


def test_the_digest_names_what_shapes_a_list_and_nothing_else(tmp_path: Path) -> None:
    plain = load_settings(written(tmp_path, "")).digest()
    assert load_settings(written(tmp_path, "[service]\nport = 1\n[store]\nurl = 'memory:'")).digest() == plain
    assert load_settings(written(tmp_path, "[policy]\nfloor = 0.5")).digest() != plain
    assert load_settings(written(tmp_path, "[ranking]\ncandidates = 7")).digest() != plain
    assert load_settings(written(tmp_path, "[policy]\nholdout = 0.1")).digest() != plain
    assert load_settings(written(tmp_path, "[policy]\nbudget = 0.1")).digest() == plain, "only where it is used"
    used = "[policy]\nname = 'budgeted'\nbudget = "
    tight, wide = (load_settings(written(tmp_path, f"{used}{budget}")).digest() for budget in (0.1, 0.2))
    assert tight != wide


def test_lists_that_were_logged_before_there_were_holdouts_keep_the_name_of_their_settings(tmp_path: Path) -> None:
    assert set(load_settings(written(tmp_path, "")).policy.shaping) == {"name", "temperature", "floor"}


@pytest.mark.slow
@given(name=st.text(max_size=30), types=st.dictionaries(st.text(max_size=9), st.just("click"), max_size=3))
def test_what_is_written_is_read_back_whatever_the_names(
    tmp_path_factory: pytest.TempPathFactory, name: str, types: dict[str, str]
) -> None:
    name = name.encode("utf-8", "ignore").decode()
    types = {key.encode("utf-8", "ignore").decode(): value for key, value in types.items()}
    events = {"path": name, "user_id": name, "item_id": "i", "types": types, "context": [name, "x"]}
    vectors = {name or "v": {"path": "a.npy"}}
    settings = Settings.model_validate({"name": name, "data": {"events": events, "vectors": vectors}})
    folder = tmp_path_factory.mktemp("toml")
    said = {"data.events": [name], "": [f"{name}\nx = 1"]}
    assert load_settings(written(folder, toml_of(settings, said))).model_dump() == settings.model_dump()


def test_rules_of_the_house_are_read_by_name_and_shape_the_digest(tmp_path: Path) -> None:
    text = """[ranking.rules."no wine"]
    when = 'category = "Baby"'
    avoid = 'category = "Alcohol" and price > 5'
    last = 7

    [ranking.rules.mild]
    when = "available"
    avoid = "price > 99"
    cost = 1.5
    """
    settings = load_settings(written(tmp_path, text))
    mild, wine = settings.ranking.house_rules
    assert (wine.name, wine.when, wine.last, wine.cost) == ("no wine", 'category = "Baby"', 7, None)
    assert (mild.name, mild.last, mild.cost) == ("mild", 20, 1.5)
    assert settings.digest() != load_settings(written(tmp_path, "")).digest()
    assert load_settings(written(tmp_path, toml_of(settings, {}))).ranking == settings.ranking


@pytest.mark.parametrize(
    "rule", ["when = 'category ='\navoid = 'price > 1'", "when = 'available'\navoid = 'f(x)'"]
)
def test_a_rule_that_cannot_be_read_is_refused_at_once(tmp_path: Path, rule: str) -> None:
    with pytest.raises(InvalidSettings, match=r"ranking\.rules\.mine\.(when|avoid).*cannot read the filter"):
        load_settings(written(tmp_path, f"[ranking.rules.mine]\n{rule}"))
