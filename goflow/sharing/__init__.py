"""Workflows that leave their author's machine: without secrets, and what they need elsewhere."""
