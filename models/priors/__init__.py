"""What is expected of an artwork before anybody has looked, and how far that is to be trusted."""
