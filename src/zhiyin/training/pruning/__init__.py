"""Less of a model: fewer layers, fewer tokens, fewer numbers. All of it on the files, without torch."""
