"""Text below the picture: the caption, and the arithmetic broken into lines."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from cnn_lab.stage.render.fonts import REGULAR, SEMIBOLD, Face
from cnn_lab.stage.render.paint import Painter
from cnn_lab.stage.render.theme import Rgb
from cnn_lab.stage.source import LOOK
from cnn_lab.trace import Trace
from cnn_lab.trace.arithmetic import Arithmetic, Block, Term, arithmetic

BODY, SMALL, RESULT, LINE = 16, 14.4, 18.4, 1.5  # as in stage.css
MAX_LINES = 9
SMALLEST_BODY = 12
_BESIDE, _BELOW = 28, 10


class Piece(NamedTuple):
    """An unbreakable text, `x` and `y` pixels from the start of its block."""

    text: str
    face: Face
    colour: Rgb
    x: float = 0
    y: float = 0


class Text(NamedTuple):
    """Pieces at their places and their total size."""

    pieces: list[Piece]
    width: float
    height: float

    def at(self, x: float, y: float) -> list[Piece]:
        """Return the pieces moved to a place."""
        return [piece._replace(x=piece.x + x, y=piece.y + y) for piece in self.pieces]


class Writer:
    """Typesetter for the text of a step."""

    def __init__(self, painter: Painter, width: int) -> None:
        """Use the fonts and colours of a painter, `width` pixels wide."""
        self.painter, self.width = painter, width
        theme = painter.theme
        self.ink, self.muted, self.now, self.faint = (
            theme.ink,
            theme.muted,
            theme.now,
            theme.tint(0.6),
        )

    def step(self, traces: Sequence[Trace], steps: Sequence[int]) -> Text:
        """Return caption and arithmetic of a step of each trace, stacked."""
        captions = list(_captions(traces, steps))
        told = [self.paragraph(words, SMALL, self.muted) for words in captions]
        sums = [
            self._sum(arithmetic(trace, step), trace, trace.name if len(traces) > 1 else "")
            for trace, step in zip(traces, steps, strict=True)
        ]
        in_rows = traces[0].term in ("product_sum", "scatter_add")
        shelf_width = self.width if in_rows else 0
        written = _shelf(sums, shelf_width, self._px(_BESIDE), self._px(_BELOW if in_rows else 0))
        return _stack([*told, written], [0.0] * (len(told) - 1) + [self._px(_BELOW)])

    def paragraph(self, text: str, size: float, colour: Rgb) -> Text:
        """Return a text broken into lines."""
        face = self._face(size)
        return self._flow([Piece(word, face, colour) for word in text.split()], self.width, size)

    def _sum(self, line: Arithmetic, trace: Trace, name: str) -> Text:
        heading = [self.paragraph(name, SMALL, self.muted)] if name and line.in_rows else []
        lead = [Piece(f"{name}:", self._face(SMALL), self.muted)] if name and not heading else []
        end = list(self._end(line))
        if len(line.blocks) == 1 and not line.in_rows:
            pieces = [*lead, *self._terms(line.blocks[0], line, BODY), *end]
            return self._flow(pieces, self.width, BODY)
        blocks = [self._block(block, line, trace.window_columns) for block in line.blocks]
        body = _shelf(blocks, self.width, self._px(_BESIDE), self._px(_BELOW))
        if not end:
            return _stack([*heading, body], [0.0] * len(heading))
        tail = self._flow(end, self.width, BODY)
        gap = self._px(16)
        if body.width + gap + tail.width <= self.width:
            placed = tail.at(body.width + gap, body.height - tail.height)
            joined = Text([*body.pieces, *placed], body.width + gap + tail.width, body.height)
        else:
            joined = _stack([body, tail], [self._px(4)])
        return _stack([*heading, joined], [0.0] * len(heading))

    def _block(self, block: Block, line: Arithmetic, columns: int) -> Text:
        """Return the terms of a channel in rows as wide as the window, if they fit."""
        title = [Piece(block.title, self._face(SMALL), self.muted)] if block.title else []
        total = (
            [Piece(f"{line.equals} {block.total}", self._face(BODY), self.ink)]
            if block.total
            else []
        )
        pieces = list(self._terms(block, line, BODY))
        n_lines = -(-len(pieces) // columns)
        body = None
        for size in (BODY, 14, SMALLEST_BODY):
            pieces = list(self._terms(block, line, size))
            rows = self._rows(pieces, columns, size, apart=0.55 if line.operator else 1.3)
            if rows.width <= self.width and n_lines <= MAX_LINES:
                body = rows
                break
        parts = [self._flow(title, self.width, SMALL)] if title else []
        parts.append(body or self._flow(pieces, self.width, SMALLEST_BODY))
        if total:
            parts.append(self._flow(total, self.width, BODY))
        return _stack(parts, [0.0] * (len(parts) - 1))

    def _terms(self, block: Block, line: Arithmetic, size: float) -> Iterator[Piece]:
        last = len(block.terms) - 1
        for i, term in enumerate(block.terms):
            before = line.open if i == 0 else "+ " if line.operator == "+" else ""
            after = line.close if i == last else "," if line.operator == "," else ""
            face = self._face(size, SEMIBOLD if term.strong else REGULAR)
            yield Piece(f"{before}{term.text}{after}", face, self._colour(term))

    def _colour(self, term: Term) -> Rgb:
        return self.now if term.strong else self.faint if term.faint else self.ink

    def _end(self, line: Arithmetic) -> Iterator[Piece]:
        if line.result:
            for word in (*line.finish.split(), line.equals):
                yield Piece(word, self._face(BODY), self.ink)
            yield Piece(line.result, self._face(RESULT, SEMIBOLD), self.now)
        if line.activated:
            yield Piece(line.activated, self._face(BODY), self.ink)
        if line.equals == "≈":
            yield Piece(LOOK["words"]["rounded"], self._face(SMALL), self.muted)

    def _rows(self, pieces: Sequence[Piece], columns: int, size: float, *, apart: float) -> Text:
        """Return the pieces in columns as wide as the widest piece, `apart` letters apart."""
        advance = max((self._length(piece) for piece in pieces), default=0) + self._px(size * apart)
        line = self._px(size * LINE)
        placed = [
            piece._replace(x=(i % columns) * advance, y=(i // columns + 1) * line)
            for i, piece in enumerate(pieces)
        ]
        width = max((piece.x + self._length(piece) for piece in placed), default=0.0)
        return Text(placed, width, line * -(-len(pieces) // columns))

    def _flow(self, pieces: Iterable[Piece], width: float, size: float) -> Text:
        """Return the pieces in lines, one after the other, cut off if there are too many."""
        space, line = self._px(size * 0.28), self._px(size * LINE)
        x, y, widest = 0.0, line, 0.0
        placed: list[Piece] = []
        for piece in pieces:
            length = self._length(piece)
            if x and x + length > width:
                x, y = 0.0, y + line
            placed.append(piece._replace(x=x, y=y))
            x += length + space
            widest = max(widest, x - space)
        return self._cut(placed, line, widest, size)

    def _cut(self, placed: list[Piece], line: float, widest: float, size: float) -> Text:
        n_lines = round(placed[-1].y / line) if placed else 0
        if n_lines > MAX_LINES:
            kept = [piece for piece in placed if round(piece.y / line) < MAX_LINES]
            rest = f"and {len(placed) - len(kept)} more"
            kept.append(Piece(rest, self._face(size), self.muted, 0, MAX_LINES * line))
            placed, n_lines = kept, MAX_LINES
        return Text(placed, widest, n_lines * line)

    def _length(self, piece: Piece) -> float:
        return self.painter.type.width(piece.text, piece.face)

    def _face(self, size: float, weight: int = REGULAR) -> Face:
        return Face("sans", weight, size * self.painter.unit)

    def _px(self, units: float) -> float:
        return units * self.painter.unit


def _captions(traces: Sequence[Trace], steps: Sequence[int]) -> Iterator[str]:
    """Yield the captions, with the name of the trace if there are several and it is not given."""
    for trace, step in zip(traces, steps, strict=True):
        words = trace.caption(step)
        own = len(traces) == 1 or words.startswith(trace.name)
        yield words if own else f"{trace.name}: {words}"


def _stack(texts: Sequence[Text], gaps: Sequence[float]) -> Text:
    """Return texts stacked below each other."""
    pieces: list[Piece] = []
    y = 0.0
    for text, gap in zip(texts, [*gaps, 0.0], strict=True):
        pieces += text.at(0, y)
        y += text.height + gap
    return Text(pieces, max(text.width for text in texts), y)


def _shelf(texts: Sequence[Text], width: float, beside: float, below: float) -> Text:
    """Return texts side by side, wrapped if they do not fit."""
    pieces: list[Piece] = []
    x = y = height = widest = 0.0
    for text in texts:
        if x and x + text.width > width:
            x, y, height = 0.0, y + height + below, 0.0
        pieces += text.at(x, y)
        x += text.width + beside
        widest, height = max(widest, x - beside), max(height, text.height)
    return Text(pieces, widest, y + height)
