"""What the Data screen says: who finds it out, and the lines it is told in."""
