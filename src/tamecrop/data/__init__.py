"""Images, labels and object boxes from a name or a path, and batches of views from them."""
