"""Where recordings come from: generated and published data sets, folders, arrays, tonic.

A data set with a name is one module here, which registers it; nothing else lists it.

named_sets      the data sets that `load` knows by name
clips           labelled stretches of events, read when they are asked for, and collections of them
splits          which clips train and which test
location        where a data set lies on disk
folder_tree     what lies in a folder and below it
labels          what the items of a data set are labelled with
digits          `digits`: generated, handwritten digits seen along three saccades
motion          `motion`: generated, eight ways in which a pattern moves
digit_images    the images that both are made of
nmnist          `n-mnist`
cifar10dvs      `cifar10-dvs`
ncars           `n-cars`
dvsgesture      `dvs-gesture`
folders         folders of recordings sorted by class
remote_folders  the same behind a URL
in_memory       arrays, and the data sets of tonic
"""

from workbench.discovery import import_rooms

import_rooms(__name__, __path__)
