"""An emulated event camera: images in, events out."""
