"""Training with torch: the only package that imports it. What it makes is served by numpy alone."""
