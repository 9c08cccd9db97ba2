"""The ports in memory: the reference that the other adapters are compared with."""
