"""Off-policy evaluation: what another policy would have earned on a log, and how sure that is."""
