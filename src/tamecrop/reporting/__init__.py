"""What every page and record uses: environment, JSON, intervals, theme, HTML, view grid."""

from tamecrop.on_demand import front

__all__, __getattr__, __dir__ = front(__name__, __file__)
