"""What a crop law does to real images, without training."""
