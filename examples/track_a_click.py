"""Ask for a list and log a click on its first place, with nothing but the standard library.

python examples/track_a_click.py [http://127.0.0.1:8420]
"""

import json
import sys
from urllib.request import Request, urlopen

ADDRESS = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8420"


def call(path: str, body: object) -> dict:
    """The service's answer to a POST."""
    request = Request(f"{ADDRESS}/{path}", json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urlopen(request) as answer:
        return json.load(answer)


shown = call("v1/recommend", {"user_id": "ann", "n": 6})
first = shown["items"][0]
click = {
    "user_id": "ann",
    "item_id": first["item_id"],
    "type": "click",
    "recommendation_id": shown["recommendation_id"],  # which list it was, so that learning is honest
    "position": 0,  # and at which place
}
print(first["item_id"], call("v1/events", {"events": [click]}))
