"""Where recordings come from: generated and published data sets, folders, arrays, tonic."""
