"""What lists are worth: a question to a recipe and to baselines, judged person by person, and its doubts."""
