"""A small dual encoder that learned from the language model and from the log, for any viewer."""
