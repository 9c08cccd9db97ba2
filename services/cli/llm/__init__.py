"""The commands of `keyart llm`, and the teacher's endpoint."""
