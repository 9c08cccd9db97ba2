"""The HTTP interface: decisions, events, titles, viewers, health and metrics."""
