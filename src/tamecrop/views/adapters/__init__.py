"""Host-library adapters: one leaf per library; nothing imports them."""
