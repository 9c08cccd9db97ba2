"""What is written down for good: digests, documents, lines, files that appear whole."""
