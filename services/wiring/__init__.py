"""Settings and what is made of them: checks, values, and one function for each part of a site."""
