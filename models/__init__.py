"""What learns: taste, beliefs, priors, policies, evaluation. No input or output."""
