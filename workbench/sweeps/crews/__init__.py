"""Who runs the points of a sweep: this process, workers of our own, or the executor of somebody else.

crew           what every crew can do
this_process   one point after the other, here
local_workers  processes of our own, one point each, which can be ended
given_executor any executor of concurrent.futures
dask_executor  an executor of dask.distributed, across machines
choice         which crew an argument names
"""
