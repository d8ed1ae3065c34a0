"""What the Models screen and the promotions show: read, judged and laid out."""
