"""Where the cells of a study run: in processes of this machine."""
