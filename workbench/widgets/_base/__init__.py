"""What every panel is made of: canvas, controls, playback, lifetime."""
