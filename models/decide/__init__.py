"""From a viewer's taste and a page of titles to choices with exact propensities, in process."""
