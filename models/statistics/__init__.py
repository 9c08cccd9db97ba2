"""Intervals and checks: clustered bootstraps, the sample-ratio check, entropy."""
