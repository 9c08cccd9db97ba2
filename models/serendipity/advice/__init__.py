"""From a table and what a viewer has explored to a page of titles, with exact propensities."""
