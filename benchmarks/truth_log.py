"""What the truth server knows: one row a request, and how well it kept its own time."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One request as the server saw it. Moments: CLOCK_MONOTONIC of this machine, seconds."""

    index: int
    id: int
    kind: str
    arrived: float
    """When the kernel stamped the request's last packet."""
    read_late_s: float
    first_sent: float
    last_sent: float
    late_s: float
    """How much after its time the first byte left."""
    unsure_s: float
    """By how much a moment of sending may be too early: the longest time one send took."""
    chunks_s: tuple[float, ...]
    """Offsets of a stream's chunks from the first one."""

    @classmethod
    def of(cls, line: str) -> "Row":
        """Read a line of the log."""
        index, number, kind, *times, chunks = line.split(",")
        arrived, read_late, first, last, late, unsure = (int(each) / 1e9 for each in times)
        offsets = tuple(int(each) / 1e9 for each in chunks.split())
        measured = (arrived, read_late, first, last, late, unsure)
        return cls(int(index), int(number), kind, *measured, offsets)

    @property
    def took_s(self) -> float:
        """From the request's arrival to the last byte's departure."""
        return self.last_sent - self.arrived

    @property
    def first_s(self) -> float:
        """From the request's arrival to the first byte's departure."""
        return self.first_sent - self.arrived

    @property
    def gap_s(self) -> float | None:
        """The mean time between two chunks of a stream; None when there are not two."""
        if len(self.chunks_s) < 2:
            return None
        return self.chunks_s[-1] / (len(self.chunks_s) - 1)


@dataclass(frozen=True, slots=True)
class Stats:
    """What the server says of itself since it was last reset or asked with `clear`."""

    rows: int
    accepted: int
    answers: int
    cpu_s: float
    late_us_p50: float
    late_us_p99: float
    late_us_max: float
    read_late_us_p50: float
    read_late_us_p99: float
    read_late_us_max: float

    @property
    def worst_p99_ms(self) -> float:
        """The worse of how late it read and how late it answered: the gate of every run."""
        return max(self.late_us_p99, self.read_late_us_p99) / 1e3
