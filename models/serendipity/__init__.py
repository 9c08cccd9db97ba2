"""Serendipity: what to propose that a viewer has not looked for and may be glad of."""
