"""A lane at work: decode, read state, run the steps, commit. Both drivers drive these."""
