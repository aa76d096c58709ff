"""The HTTP service: JSON in, lists out, every list durable in its log before the answer leaves.

`create_app` makes an application of a shop; `zhiyin.service.run.serve` runs it.
"""
