"""Measured on viewers who were held back: plans and titles."""
