"""Schema inference in one place: what is asked from outside."""

from __future__ import annotations

from zhiyin.data.readers.infer_events import infer_events, rating_threshold
from zhiyin.data.readers.infer_items import infer_items, language_in
from zhiyin.data.readers.infer_rest import infer_relations, infer_users
from zhiyin.data.readers.roles import Inferred
from zhiyin.data.readers.sample import Sample, take_sample

__all__ = [
    "Inferred",
    "Sample",
    "infer_events",
    "infer_items",
    "infer_relations",
    "infer_users",
    "language_in",
    "rating_threshold",
    "take_sample",
]
