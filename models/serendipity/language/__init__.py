"""The language model as a planner: questions about interest clusters, and its answers as scores."""
