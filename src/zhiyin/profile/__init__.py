"""A person in words: what stands out of what they did, and what they say of it themselves."""
