"""Contract checks and strategies, shipped so that third-party parts can be held to the same laws."""
