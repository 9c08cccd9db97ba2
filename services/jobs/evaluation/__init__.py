"""What `keyart evaluate` reads, plays beside it, and writes."""
