"""Text to vectors: words as sparse TF-IDF rows, sentences as dense unit rows, cached by content."""
