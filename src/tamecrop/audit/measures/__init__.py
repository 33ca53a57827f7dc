"""What is measured of the boxes of a crop policy on given images."""
