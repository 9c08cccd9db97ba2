"""Every option's probability from one forward pass, shared prefixes computed once."""
