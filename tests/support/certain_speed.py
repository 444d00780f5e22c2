"""A machine on which everything takes as long as is estimated: choices of engines do not depend on a clock."""

from workbench.engine.event_driven.measured_speed import OFTEN, MeasuredSpeed


class CertainSpeed(MeasuredSpeed):
    """Every factor is 1, and stays so."""

    def factor(self, key: str) -> float | None:
        """The factor of any key."""
        return 1.0

    def tries(self, key: str) -> int:
        """Nothing needs one."""
        return OFTEN

    def record(self, key: str, factor: float) -> None:
        """Nothing is learned."""
