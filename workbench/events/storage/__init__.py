"""What is kept of recordings between two calls, and how clips are read, cut, transformed and put together.

assembly        clips become a data set, which says what was done to them
shards          parts of a data set in files of their own, which processes and machines share
cache_entries   under which name what is read is kept, and for what it holds
on_demand       recordings that are read from their files whenever they are asked for
preprocessing   clips read, cut and transformed, in memory or on disk
extents         sensor, length and clock of clips, measured where they are not known
memmap          rows on disk, mapped into memory
generated_sets  generated data sets as .npz files
"""
