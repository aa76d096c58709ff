"""From channel scores to one score: fusion with gates, rules, diversity."""
