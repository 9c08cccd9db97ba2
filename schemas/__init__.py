"""What flows: records, codecs, topics and errors. Imports nothing of ours."""
