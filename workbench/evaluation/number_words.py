"""Numbers as they are said: large ones, energies and shares."""

from __future__ import annotations


def amount(number: float) -> str:
    """A number as it is said: three digits and a unit of thousands, millions, billions.

    >>> amount(612_345), amount(5_100_000), amount(42)
    ('612 k', '5.1 M', '42')
    """
    for factor, unit in ((1e12, " T"), (1e9, " G"), (1e6, " M"), (1e3, " k")):
        if abs(number) >= 0.9995 * factor:
            return f"{float(f'{number / factor:.3g}'):g}{unit}"
    return f"{float(f'{number:.3g}'):g}"


def joules(nanojoules: float) -> str:
    """An energy as it is said: three digits, in the unit that fits.

    >>> joules(0.42), joules(2113), joules(25_492)
    ('0.42 nJ', '2.11 µJ', '25.5 µJ')
    """
    for factor, unit in ((1e9, "J"), (1e6, "mJ"), (1e3, "µJ")):
        if abs(nanojoules) >= 0.9995 * factor:
            return f"{float(f'{nanojoules / factor:.3g}'):g} {unit}"
    return f"{float(f'{nanojoules:.3g}'):g} nJ"


def share(fraction: float) -> str:
    """An accuracy as it is said, in per cent; "silent" where a model has not answered yet.

    >>> share(0.9312), share(float("nan"))
    ('93.1 %', 'silent')
    """
    return f"{100 * fraction:.1f} %" if fraction == fraction else "silent"
