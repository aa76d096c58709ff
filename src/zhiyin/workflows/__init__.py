"""The verbs, each a function that the CLI and the service call: init, ingest …"""
