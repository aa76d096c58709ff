"""The channels: fitted, immutable, batch-first. Each scores items from nothing but the history handed in."""
