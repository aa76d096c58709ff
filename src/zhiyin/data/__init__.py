"""Data at rest: what events mean, vocabularies, the frozen dataset, splits, readers, stores, demo data."""
