"""What is computed in the background while a panel is looked at."""
