"""Policies played on tables of real creative tests: the published protocol, with controls."""
