"""The registry of models: immutable versions, and aliases whose moving is all of deployment."""
