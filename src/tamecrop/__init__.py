"""tamecrop: choose, judge and compare the crop law of contrastive pre-training."""
