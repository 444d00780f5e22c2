"""What panels are made of: a figure that can be redrawn, controls, and a lifetime that ends.

panel             the base of every panel: controls, a note, a figure, errors shown in the page
job_panel         the base of panels of work in the background, with a stop button
recording_panel   the base of panels of one recording under a time cursor
recording_pages   the base of panels that save pages of the recordings asked for
controls          their widths, and what they say in words
canvas            a plotly figure in a page, redrawn as a whole; its scripts: kernel.js (what comes from the kernel),
                  drawing.js (what plotly is given), labels.js (controls have names), saving.js (a notebook is saved
                  with what is seen last), canvas.js (all of it for one figure)
edits             edits that code makes itself, told from those of others
playback          play button, step slider and speed
saved_page        a panel as a page that needs no kernel
recording_finder  controls that find recordings, for that slider
recording_groups  groups of recordings: by class, by who answers correctly, by margin
recording_slider  the slider that chooses a recording
lifetime          widgets that can be garbage-collected, and callbacks that do not prevent it
cell_outputs      panels are closed when the cell that showed them runs again
"""
