"""Policies: which artwork of each title to show, with the exact probability of every candidate."""
