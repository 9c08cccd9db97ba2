"""Kafka: the lanes driven by a Faust application, and the tools around the topics."""
