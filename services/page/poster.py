"""Key art drawn from words: a typographic poster for an artwork that has no picture of its own."""

import colorsys
import hashlib
import html
from collections.abc import Sequence
from typing import Final

WIDTH: Final = 480
HEIGHT: Final = 640
MAX_CHARACTERS: Final = 180
LINE_CHARACTERS: Final = (11, 14, 18, 22, 26)
MAX_LINES: Final = (4, 5, 6, 7, 8)
"""The largest type that fits is used: so many characters a line, so many lines."""
MARGIN: Final = 36


def poster_svg(title: str, artwork: str, vector: Sequence[float] = ()) -> str:
    """Return a poster as an SVG document, 480 x 640: the same for the same words and vector.

    Artworks of one title share a hue and differ in shade, shapes and words, as key art does.

    Parameters
    ----------
    title
        The title's name; small print, and the hue.
    artwork
        The artwork's description; the large words. Long ones are cut.
    vector
        The leading dimensions of the title's embedding, 2 or more: the hue is then its angle, so
        that like subjects look alike. Empty: the hue comes from the name.
    """
    draw = _Draw(f"{title}\x00{artwork}")
    hue = _hue(title, vector)
    tone = draw.between(0.85, 1.15)
    top = _colour(hue, 0.62, 0.46 * tone)
    bottom = _colour(hue + draw.between(0.05, 0.14), 0.75, 0.15)
    light = _colour(hue + draw.between(0.35, 0.6), 0.85, 0.62)
    size, lines = _fit(artwork)
    leading = round(size * 1.12)
    first = HEIGHT - 92 - leading * (len(lines) - 1)
    words = "".join(
        f'<tspan x="{MARGIN}" y="{first + at * leading}">{html.escape(line)}</tspan>'
        for at, line in enumerate(lines)
    )
    small = html.escape(_cut(title, 52))
    label = html.escape(_cut(artwork, MAX_CHARACTERS), quote=True)
    identity = draw.name
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{label}">'
        f'<defs><linearGradient id="g{identity}" x1="0" y1="0" x2="{draw.between(0.1, 0.6):.2f}" '
        f'y2="1"><stop offset="0" stop-color="{top}"/><stop offset="1" stop-color="{bottom}"/>'
        f'</linearGradient><linearGradient id="s{identity}" x1="0" y1="0" x2="0" y2="1">'
        f'<stop offset="0.35" stop-color="{bottom}" stop-opacity="0"/>'
        f'<stop offset="0.8" stop-color="{bottom}" stop-opacity="0.88"/></linearGradient></defs>'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="url(#g{identity})"/>'
        f"{_shapes(draw, light)}"
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="url(#s{identity})"/>'
        f'<rect x="{MARGIN}" y="{first - size - 18}" width="56" height="6" fill="{light}"/>'
        f'<text font-family="Georgia, \'Times New Roman\', serif" font-weight="700" '
        f'font-size="{size}" fill="#fff">{words}</text>'
        f'<text x="{MARGIN}" y="{HEIGHT - 40}" font-family="system-ui, sans-serif" '
        f'font-size="15" fill="#fff" fill-opacity="0.78">{small}</text></svg>'
    )


class _Draw:
    """Numbers from a text, always the same ones."""

    def __init__(self, text: str) -> None:
        self._bytes = hashlib.shake_128(text.encode()).digest(96)
        self.name = hashlib.blake2b(text.encode(), digest_size=6).hexdigest()
        self._at = 0

    def between(self, low: float, high: float) -> float:
        """Return the next number, low to high."""
        pair = self._bytes[self._at : self._at + 2]
        self._at += 2
        return low + (high - low) * int.from_bytes(pair, "big") / 65535


def _hue(title: str, vector: Sequence[float]) -> float:
    if len(vector) >= 2:
        # Three leading dimensions, weighed so that neither angle nor sign alone decides.
        mixed = sum(weight * float(x) for weight, x in zip((1.7, 1.1, 0.7), vector, strict=False))
        return mixed % 1.0
    return _Draw(title).between(0, 1)


def _colour(hue: float, saturation: float, lightness: float) -> str:
    red, green, blue = colorsys.hls_to_rgb(hue % 1.0, min(lightness, 1.0), saturation)
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"


def _shapes(draw: _Draw, colour: str) -> str:
    """Return one of five compositions in the upper half."""
    kind = int(draw.between(0, 4.999))
    x, y = draw.between(120, 400), draw.between(90, 250)
    if kind == 0:
        rings = [draw.between(60, 190) for _ in range(3)]
        return "".join(
            f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{radius:.0f}" fill="{colour}" '
            f'fill-opacity="0.28"/>'
            for radius in rings
        )
    if kind == 1:
        bars = [(draw.between(20, 420), draw.between(14, 70)) for _ in range(6)]
        return "".join(
            f'<rect x="{at:.0f}" y="0" width="{wide:.0f}" height="{HEIGHT}" fill="{colour}" '
            f'fill-opacity="0.16"/>'
            for at, wide in bars
        )
    if kind == 2:
        angles = [draw.between(-60, 60) for _ in range(7)]
        return "".join(
            f'<path d="M{x:.0f} {y:.0f}l-34 -560h68z" fill="{colour}" fill-opacity="0.2" '
            f'transform="rotate({angle * 3:.0f} {x:.0f} {y:.0f})"/>'
            for angle in angles
        )
    if kind == 3:
        hills = [(draw.between(60, 420), draw.between(150, 330)) for _ in range(4)]
        return "".join(
            f'<path d="M{at - 220:.0f} {HEIGHT}L{at:.0f} {peak:.0f}L{at + 220:.0f} {HEIGHT}z" '
            f'fill="{colour}" fill-opacity="0.18"/>'
            for at, peak in hills
        )
    waves = [draw.between(70, 330) for _ in range(5)]
    return "".join(
        f'<path d="M0 {at:.0f}C120 {at - 90:.0f} 240 {at + 90:.0f} 480 {at - 30:.0f}" fill="none" '
        f'stroke="{colour}" stroke-width="22" stroke-opacity="0.24"/>'
        for at in waves
    )


def _fit(text: str) -> tuple[int, list[str]]:
    """Return the type size in pixels, and the lines, of the largest type in which the text fits."""
    text = _cut(" ".join(text.split()), MAX_CHARACTERS) or "untitled"
    lines: list[str] = []
    across = LINE_CHARACTERS[-1]
    for across, most in zip(LINE_CHARACTERS, MAX_LINES, strict=True):
        lines = _wrap(text, across)
        if len(lines) <= most:
            break
    lines = lines[: MAX_LINES[-1]]
    room, longest = WIDTH - 2 * MARGIN, max(len(line) for line in lines)
    # where Georgia is not there its stand-in may be a fifth wider
    return round(min(room / across / 0.54, room / longest / 0.66)), lines


def _wrap(text: str, across: int) -> list[str]:
    lines = [""]
    for word in text.split(" "):
        while len(word) > across:
            head, word = word[: across - 1] + "-", word[across - 1 :]
            lines += [head]
        if lines[-1] and len(lines[-1]) + 1 + len(word) > across:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return [line for line in lines if line]


def _cut(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    return text[: longest - 1].rsplit(" ", 1)[0].rstrip(" ,.;:") + "…"
