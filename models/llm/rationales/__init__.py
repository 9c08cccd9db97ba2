"""Reasons that a teacher gives for the known answer, kept only when they lead back to it."""
