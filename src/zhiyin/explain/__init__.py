"""Why: shares of the parts of a score, and the history items and words they came through."""
