"""An audit as a study: what is computed in which order, its record, figures and page."""
