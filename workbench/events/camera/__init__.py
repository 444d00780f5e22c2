"""An emulated event camera: images in, events out.

camera              `Camera`
threshold_crossing  when pixels cross their thresholds between two images
image_sequence      films as light from 0 to 255, and their times in microseconds
"""
