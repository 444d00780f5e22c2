"""Training on several devices: a process for each, which learn a part of every batch and know what all have found.

group            what the processes tell each other
agreement        that all train the same, from the same state
helpers          processes that a call starts, and ends, itself
sent_recordings  recordings on their way to another process
fabrics          the option `fabric`: a number of devices, or a Fabric that has been launched
"""
