"""What every page and record uses: environment, JSON, intervals, theme, HTML, view grid."""
