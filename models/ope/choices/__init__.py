"""What an opinion is worth on held-out pairs, beside every baseline, with paired intervals."""
