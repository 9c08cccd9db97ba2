"""The driver of the steps on one machine, with Valkey Streams as the log."""
