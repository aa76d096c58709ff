"""What exploring cost, as the console asks for it."""

import pytest
from asking import Caller


@pytest.mark.slow
def test_the_console_is_told_what_exploring_cost(untrained: Caller) -> None:
    assert untrained.get("/console/api/exploration").json() is None, "before the first list"
    for n in range(6):
        shown = untrained.post("/v1/recommend", {"text": "a drum", "n": 3}).json()
        if n == 0:
            first = shown["items"][0]["item_id"], shown["recommendation_id"]
    event = {"user_id": "ann", "item_id": first[0], "type": "click", "recommendation_id": first[1]}
    assert untrained.post("/v1/events", {"events": [event]}).status_code < 300
    found = untrained.get("/console/api/exploration").json()
    assert found["n_lists"] == 6
    assert found["lost"]["low"] <= found["lost"]["value"] <= found["lost"]["high"]
    assert [day["n_lists"] for day in found["days"]] == [6]
    assert len(found["sights"]["for_you"]["chance"]) == 3
    assert (found["widths"], found["newcomers"]["n"]) == ([], 0)
