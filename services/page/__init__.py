"""The page at `/`: what the service does and whether it works, for people who would rather look."""
