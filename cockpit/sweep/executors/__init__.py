"""Where trials run: the seam to the driver, and the executor of this machine."""
