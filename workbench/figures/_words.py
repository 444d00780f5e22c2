"""Names and moments as figures show them: as typed, never as markup, and not longer than there is room."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from html.parser import HTMLParser

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.evaluation import frame_of

LONGEST = 24  # letters of a name in a title, a legend, or beside an axis; hovering shows the whole
_MARKUP = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "%{": "%&#123;"}
_MARKED = re.compile("|".join(_MARKUP))
_WORD = re.compile(r"(?:<[^<>]*>|[^\s<])+")


def whole(name: object) -> str:
    """A name or a text of others for a figure, whole: plotly shows it as it is typed and finds no markup in it.

    >>> whole("<b>R&D</b>")
    '&lt;b&gt;R&amp;D&lt;/b&gt;'
    """
    return _MARKED.sub(lambda found: _MARKUP[found[0]], str(name))


def brief(name: object, letters: int = LONGEST) -> str:
    """A name for a figure in at most so many letters, its middle left out where it is longer.

    >>> brief("a <name>"), brief("a name of very many letters indeed")
    ('a &lt;name&gt;', 'a name of v…tters indeed')
    """
    return whole(cut(str(name), letters))


def cut(name: str, letters: int = LONGEST) -> str:
    """A name of at most so many letters, its middle left out where it is longer.

    >>> cut("a name of very many letters indeed", 12)
    'a nam…indeed'
    """
    name = " ".join(name.split())
    left = (letters - 1) // 2
    return name if len(name) <= letters else f"{name[:left]}…{name[left + 1 - letters :]}"


def read_words(text: str) -> str:
    """Text without the markup of plotly: tags left out, a break as a space, entities as what they stand for.

    >>> read_words("<b>Two</b><br>words &lt; three")
    'Two words < three'
    """
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return " ".join("".join(reader.found).split())


def wrap(text: str, letters: float) -> str:
    """A text in lines of at most so many letters; markup takes no room and is not broken, `<br>` stays.

    >>> wrap("one two three", 8), wrap("<b style='color:red'>one two</b> three", 8)
    ('one two<br>three', "<b style='color:red'>one two</b><br>three")
    """
    return "<br>".join("<br>".join(_fill(part, letters)) for part in text.split("<br>"))


def _fill(text: str, letters: float) -> list[str]:
    lines, room = [""], letters
    for word in _WORD.findall(text):
        size = len(read_words(word))
        if "<" not in word and size > letters:  # a word that no line holds
            chunks = [whole(chunk) for chunk in textwrap.wrap(read_words(word), max(1, int(letters)))]
            lines += [*chunks[:-1], chunks[-1]]
            room = letters - len(read_words(lines[-1]))
        elif lines[-1] and size + 1 > room:
            lines.append(word)
            room = letters - size
        else:
            room -= size + bool(lines[-1])
            lines[-1] += f" {word}" if lines[-1] else word
    return lines[1:] if len(lines) > 1 and not lines[0] else lines


def name_ticks(names: Iterable[str]) -> dict[str, list[str]]:
    """Ticks of an axis of categories that are spelled by `whole`: each with as much of its name as there is room for.

    >>> name_ticks(["v<1>"])
    {'tickvals': ['v&lt;1&gt;'], 'ticktext': ['v&lt;1&gt;']}
    """
    listed = list(names)
    return {"tickvals": [whole(name) for name in listed], "ticktext": [brief(name) for name in listed]}


def tell_moments(times: ArrayLike, steps: ArrayLike) -> tuple[NDArray[np.int32], str]:
    """Frame and step of steps that end at these times, as customdata (step, 2), and the hover text that says both.

    >>> tell_moments([0.5, 1.0, 1.5], [0, 1, 2])[1]
    'frame %{customdata[0]}, tick %{customdata[1]}'
    >>> tell_moments([1.0, 2.0], [0, 1])
    (array([[0, 0],
           [1, 1]], dtype=int32), 'frame %{customdata[0]}')
    """
    ends, numbers = np.asarray(times, dtype=np.float64), np.asarray(steps, dtype=np.int32)
    ticks = not np.allclose(numbers + 1, ends)
    words = "frame %{customdata[0]}" + (", tick %{customdata[1]}" if ticks else "")
    return np.stack([frame_of(ends), numbers], axis=-1).astype(np.int32), words


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(" " if tag == "br" else "")

    def handle_data(self, data: str) -> None:
        self.found.append(data)
