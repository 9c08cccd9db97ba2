"""Valkey or Redis behind the ports: state store, log, and the embedded server."""
