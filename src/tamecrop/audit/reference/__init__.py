"""The reference network of an audit: which it is, how it is made, what it looks at."""
