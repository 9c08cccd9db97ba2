"""The gate: what a version must show before it may serve anybody, rule by rule."""
