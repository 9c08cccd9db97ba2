"""A viewer's taste: interests at two time scales, rejections, and named concepts."""
