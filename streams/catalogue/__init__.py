"""The catalogue: how titles are upserted, and the view of them that steps and the api read."""
