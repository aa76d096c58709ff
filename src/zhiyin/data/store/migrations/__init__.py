"""Versioned steps of the schema, run by migrate.py: there is no alembic.ini."""
