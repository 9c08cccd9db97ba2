"""Learning from columns that nobody declared: a site's own context, or somebody's table."""
