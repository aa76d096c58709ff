"""A shop of our own: 300 made-up items in English and Chinese, ten wishes, and simulated people."""
