"""The sums that rewards add up to, and how they forget."""
