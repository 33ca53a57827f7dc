"""Placeholder until learning."""


class Interrupted(Exception):
    pass
