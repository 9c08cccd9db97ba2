"""Engagements and titles from files that people bring."""
