"""Tables of proposals as versions: made, judged, kept, and let serve."""
