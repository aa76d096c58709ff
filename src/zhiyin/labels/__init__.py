"""Text classification: heads over what encoders read, chosen and weighed by held-out examples; and the unknown."""
