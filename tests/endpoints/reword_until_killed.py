"""Sends texts there and back until it is killed: URL FOLDER."""

import sys
from pathlib import Path

from zhiyin.endpoints.budget import Budget
from zhiyin.endpoints.chat import Chat
from zhiyin.endpoints.endpoint import Endpoint, Patience
from zhiyin.endpoints.named import TRANSLATIONS
from zhiyin.endpoints.rewording import Interpreter, Load, Original
from zhiyin.endpoints.translations import Translations
from zhiyin.progress import Silent

url, folder = sys.argv[1], Path(sys.argv[2])
texts = ("a blue cup", "an iron pot of 3 l", "warm tea", "a saw for wood", "a lamp")
Interpreter(
    Chat(Endpoint(f"{url}/chat/completions", "", TRANSLATIONS), "m"),
    Budget(folder / "budget.json", TRANSLATIONS, 10**6),
    Translations(folder / "translations.jsonl"),
    Load(Patience(600.0), batch=2, batch_characters=1_000, at_once=1),
).reword([Original(text, "English") for text in texts], ("fr",), Silent())
