"""Text classification: heads over what encoders read, prototypes where examples are few, and when to say "
"unknown."""
