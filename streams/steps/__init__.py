"""Pure steps: (state, records) -> (changes, records), on batches. Time is an argument."""
