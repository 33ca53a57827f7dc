"""Contrastive pre-training, its checkpoints, and how its features are judged."""
