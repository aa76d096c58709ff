"""Stores: what happened, what there is, what was shown. `protocols` says what one does, `open` opens one.

Nothing is imported here, so that the protocols cost no database library.
"""
