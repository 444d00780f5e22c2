"""Many threads that do the same at once."""

import threading
from collections.abc import Callable


def run_at_once(work: Callable[[], None], count: int) -> None:
    """Do the work in so many threads; the first error of any is raised here."""
    failed: list[BaseException] = []

    def watched() -> None:
        try:
            work()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=watched) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
