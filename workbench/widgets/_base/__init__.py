"""What panels are made of: a figure that can be redrawn, controls, and a lifetime that ends.

panel             the base of every panel: controls, a note, a figure, errors shown in the page
recording_panel   the base of panels of one recording under a time cursor
controls          their widths, and what they say in words
canvas            a plotly figure in a page, redrawn as a whole; its scripts: kernel.js (what comes from the kernel),
                  drawing.js (what plotly is given), labels.js (controls have names), saving.js (a notebook is saved
                  with what is seen last), canvas.js (all of it for one figure)
playback          play button, step slider and speed
recording_slider  the slider that chooses a recording
lifetime          widgets that can be garbage-collected, and callbacks that do not prevent it
cell_outputs      panels are closed when the cell that showed them runs again
"""
