"""Planners: which cluster a viewer may come to next."""
