"""Policies: choose last, place by place, and always say with what probability."""
