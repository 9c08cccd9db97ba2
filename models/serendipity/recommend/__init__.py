"""Recommenders of single titles, free or restricted to clusters."""
