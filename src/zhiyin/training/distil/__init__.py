"""A small model that says what a large one says."""
