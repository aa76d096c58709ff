"""Examples of what is not to be shown, and of ordinary goods: to begin a label model of harm with.

`examples.jsonl` is to learn from, `test.jsonl` to judge by; no sentence is in both. English and Chinese, written
by us and mild on purpose: scams, insults, dangerous offers, advertisements for adults described dryly, and goods
whose words come near. They say how a filter works, not how well one is for a shop: that takes its own texts.
"""
