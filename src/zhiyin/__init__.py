"""Zhiyin (知音): a recommender system that reads.

    from zhiyin import Zhiyin
    z = Zhiyin.open("shop")
    z.recommend(user_id="ann", n=10)

Names are loaded when first used, so that `import zhiyin` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zhiyin.shop import Zhiyin as Zhiyin
    from zhiyin.types import Event as Event
    from zhiyin.types import Item as Item
    from zhiyin.types import Query as Query
    from zhiyin.types import Recommendation as Recommendation

__version__ = "0.1.0"
__all__ = ["Event", "Item", "Query", "Recommendation", "Zhiyin"]

_HOMES = {"Zhiyin": "zhiyin.shop"}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'zhiyin' has no attribute {name!r}")
    return getattr(import_module(_HOMES.get(name, "zhiyin.types")), name)
