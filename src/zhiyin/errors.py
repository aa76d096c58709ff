"""The error tree. Every message says what is wrong, what was got, and the cure.

`InvalidData` and its children are `ValueError`s too, so that pydantic and FastAPI report them as
validation errors at the door without a translation layer.
"""

from __future__ import annotations


class ZhiyinError(Exception):
    """The root: catch this to catch all that this package raises on purpose."""


class InvalidData(ZhiyinError, ValueError):
    """A value from outside cannot be used as it is."""


class InvalidQuery(InvalidData):
    """A query asks for something that cannot be answered."""


class InvalidSettings(InvalidData):
    """zhiyin.toml or a ZHIYIN_* variable holds something unknown or impossible."""


class NotFound(ZhiyinError, LookupError):
    """An item, user, recommendation, bundle or file that is not there."""


class MissingExtra(ZhiyinError, ImportError):
    """An optional dependency is not installed; the message names the extra that brings it."""


class BrokenBundle(ZhiyinError):
    """A bundle is truncated, tampered with, or made for another version; nothing of it was used."""


class BrokenStore(ZhiyinError):
    """A database is damaged, foreign, or of a newer version; nothing of it was changed."""


class StoreUnwritable(ZhiyinError):
    """The disk or its owner does not let the store write; what was stored stays."""


class NotPublishable(ZhiyinError):
    """The gate refused: the bundle has no evaluation, or is worse than what is served now."""


class StoreBusy(ZhiyinError):
    """The store did not answer in time; nothing was written, try again."""


class LogUnreachable(ZhiyinError):
    """Where runs are to be noted nobody takes the note; all that the run itself made is kept."""


class EndpointFailed(ZhiyinError):
    """An endpoint did not answer, or not usably; what it had said before is kept."""


class BudgetSpent(EndpointFailed):
    """No more may be sent to an endpoint, today or in this run; what it had said before is kept."""
