"""The page of `tamecrop explore`: gradio's sliders around `geometry.knobs` and `audit.explore`."""

import os
import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Read when gradio is imported. It keeps what a page was given and showed in the browser's storage:
# a person's images stay there, and writing the longer and longer list makes each move slower.
os.environ["GRADIO_ANALYTICS_ENABLED"] = os.environ["GRADIO_RUN_HISTORY"] = "False"

import gradio as gr

from tamecrop.audit.explore import DRAWS, Album, open_album, render
from tamecrop.geometry import PRESETS, plan
from tamecrop.geometry.borders import BORDERS
from tamecrop.geometry.knobs import (
    CONTROLS,
    HOSTS,
    PATTERNS,
    POLICY,
    find_line,
    find_visible,
    from_values,
    read_knobs,
    to_values,
    write_lines,
    write_plan,
)
from tamecrop.geometry.pairs import PAIRS

LOOPBACK = "127.0.0.1"
_QUICK: dict[str, Any] = {"show_progress": "hidden", "trigger_mode": "always_last", "queue": False}
_CSS = """
#title code { white-space: pre-wrap; overflow-wrap: anywhere; }
@media (max-width: 700px) {
  #halves { flex-direction: column-reverse; }
  #seen { position: sticky; top: 0; max-height: 46vh; overflow-y: auto; z-index: 20;
    background: var(--body-background-fill); border-bottom: 1px solid var(--border-color-primary); }
}
"""
"""A long name of data breaks; on a phone what is seen stays above the controls that are moved."""


@dataclass(frozen=True)
class _Rest:
    """The page's other parts."""

    own: gr.State
    place: gr.Slider
    draw: gr.Slider
    upload: gr.File
    pictures: gr.HTML
    message: gr.Markdown


@dataclass(frozen=True)
class _Policy:
    """The controls of one plan.

    Attributes:
        knobs: By the names in `CONTROLS`.
        text: The plan, to copy or to type.
        host: For which the line is.
        line: To copy.
    """

    knobs: dict[str, Any]
    text: gr.Textbox
    host: gr.Dropdown
    line: gr.Textbox


def build_page(album: Album, texts: Sequence[str]) -> gr.Blocks:
    """The page for some images, two plans side by side.

    Args:
        album: the images of the data.
        texts: of the plans that it starts with, one or two.
    """
    first, second = [*texts, texts[0]][:2]
    count = len(album.images)
    with gr.Blocks(title="tamecrop explore", analytics_enabled=False, fill_width=True) as built:
        own = gr.State(None)
        gr.Markdown(f"## What crop policies do to `{album.name}`", elem_id="title")
        with gr.Row(elem_id="halves"):
            with gr.Column(scale=1, min_width=320):
                message = gr.Markdown("", elem_id="message")
                policies = (_add_policy("A", first), _add_policy("B", second))
                with gr.Accordion("Image", open=True):
                    place = gr.Slider(1, max(count, 2), 1, step=1, label="image", visible=count > 1)
                    draw = gr.Slider(1, DRAWS, 1, step=1, label="draw whose views are shown")
                    upload = gr.File(label="an image of yours", type="filepath", height=120)
            with gr.Column(scale=3, min_width=320, elem_id="seen"):
                html = render(album, (first, second))
                pictures = gr.HTML(html, elem_id="pictures")
        _connect(album, policies, _Rest(own, place, draw, upload, pictures, message))
    return built


def _add_policy(letter: str, text: str) -> _Policy:
    """The controls of one plan, as its text has them."""
    values = dict(zip(CONTROLS, to_values(read_knobs(text)), strict=True))
    visible = find_visible(text)

    def slider(name: str, label: str, low: float, high: float, step: float = 0.01) -> gr.Slider:
        shown = {"label": label, "visible": visible[name], "elem_id": f"{letter}-{name}"}
        return gr.Slider(low, high, values[name], step=step, **shown)

    def choice(name: str, label: str, choices: Iterable[str], **more: Any) -> gr.Dropdown:
        named = {"label": label, "elem_id": f"{letter}-{name}"}
        return gr.Dropdown([*choices], value=values[name], **named, **more)

    with gr.Accordion(f"Policy {letter}", open=letter == "A"):
        knobs = {
            "preset": choice("preset", "start from", PRESETS),
            "scale_low": slider("scale_low", "scale: share of the area", 0.01, 1),
            "scale_high": slider("scale_high", "scale: at most", 0.01, 1),
            "sigma": slider("sigma", "sigma: spread of the center, of the side", 0.005, 1, 0.0005),
            "border": choice("border", "border: a box that would leave the image", BORDERS),
            "ratio_low": slider("ratio_low", "ratio: width / height", 0.2, 1),
            "ratio_high": slider("ratio_high", "ratio: at most", 1, 5),
            "pair": choice("pair", "pair: how the two views relate", PAIRS),
            "band_low": slider("band_low", "IoU of the pair", 0, 1),
            "band_high": slider("band_high", "IoU: at most", 0, 1),
            "pattern": choice("pattern", "view plan", PATTERNS, allow_custom_value=True),
            "others": gr.Textbox(values["others"], label="further settings, key=value,..."),
        }
        named = {"label": "policy text", "buttons": ["copy"], "elem_id": f"{letter}-text"}
        typed = gr.Textbox(text, info="to copy; or type one and press Enter", **named)
        lines = write_lines(text)
        host = gr.Dropdown([*HOSTS], value=next(iter(lines)), label="line for")
        line = gr.Textbox(next(iter(lines.values())), show_label=False, buttons=["copy"], lines=2)
    return _Policy({name: knobs[name] for name in CONTROLS}, typed, host, line)


def _connect(album: Album, policies: tuple[_Policy, _Policy], rest: _Rest) -> None:
    """What happens when a person moves something."""
    for number in (0, 1):
        _connect_policy(_Reaction(album, number), policies, rest)
    texts, shared = [each.text for each in policies], [rest.own, rest.place, rest.draw]

    def redraw(first: str, second: str, *state: Any) -> str:
        return _draw_page(album, (first, second), *state)

    def take(file: str | None, first: str, second: str, *state: Any) -> list[Any]:
        """Show an uploaded image, or say what is wrong with it; without one, the data again."""
        try:
            own = None if file is None else open_album([Path(file)])
            return [own, _draw_page(album, (first, second), own, *state), ""]
        except (ValueError, OSError) as error:
            words = str(error).replace(str(file), Path(str(file)).name)
            return [None, _draw_page(album, (first, second), None, *state), f"**{words}**"]

    for control in (rest.place, rest.draw):
        control.input(redraw, [*texts, *shared], [rest.pictures], **_QUICK)
    for event in (rest.upload.upload, rest.upload.clear):
        given = [rest.own, rest.pictures, rest.message]
        event(take, [rest.upload, *texts, rest.place, rest.draw], given, **_QUICK)


def _connect_policy(reaction: "_Reaction", policies: tuple[_Policy, _Policy], rest: _Rest) -> None:
    """What happens when a control of one policy is moved."""
    each, other = policies[reaction.number], policies[1 - reaction.number]
    controls = [*each.knobs.values()]
    outputs = [each.text, each.line, rest.pictures, rest.message, *controls]
    tail = [rest.own, rest.place, rest.draw, other.text, each.host]
    for name, control in each.knobs.items():
        event = control.submit if name == "others" else control.input
        if isinstance(control, gr.Slider):
            event(reaction.slide, [*controls, *tail], outputs[: -len(controls)], **_QUICK)
            continue
        taken = [control, each.knobs["pattern"]] if name == "preset" else controls
        react = reaction.start if name == "preset" else reaction.move
        event(react, [*taken, *tail], outputs, **_QUICK)
    each.text.submit(reaction.read, [each.text, *tail], outputs, **_QUICK)
    each.host.input(find_line, [each.text, each.host], [each.line], **_QUICK)


@dataclass(frozen=True)
class _Reaction:
    """What the events of one policy give: its text and line, the pictures, a message, its knobs.

    Each takes what the event is about, then the own image, place and draw, the other policy's text,
    and the host.

    Attributes:
        album: The images of the data.
        number: 0 for the first policy.
    """

    album: Album
    number: int

    def move(self, *values: Any) -> list[Any]:
        """A knob was moved."""
        knobs, state = values[: len(CONTROLS)], values[len(CONTROLS) :]
        return self._answer(lambda: write_plan(from_values(knobs)), state, moves=False)

    def slide(self, *values: Any) -> list[Any]:
        """A number was moved, which hides no other knob."""
        return self.move(*values)[: -len(CONTROLS)]

    def start(self, preset: str, pattern: str, *state: Any) -> list[Any]:
        """Another preset policy was chosen: its own settings, in the same plan."""
        return self._answer(lambda: str(plan(pattern.replace(POLICY, preset, 1))), state)

    def read(self, text: str, *state: Any) -> list[Any]:
        """A text was typed."""
        return self._answer(lambda: str(plan(text)), state)

    def _answer(
        self, find_text: Callable[[], str], state: Sequence[Any], *, moves: bool = True
    ) -> list[Any]:
        *image, other, host = state
        try:
            text = find_text()
            values = to_values(read_knobs(text))
            texts = (other, text) if self.number else (text, other)
            html = _draw_page(self.album, texts, *image)
        except (ValueError, TypeError) as error:
            return [gr.skip(), gr.skip(), gr.skip(), f"**{error}**", *[gr.skip()] * len(CONTROLS)]
        visible = find_visible(text)
        knobs = [
            gr.update(visible=visible[name], **({"value": value} if moves else {}))
            for name, value in zip(CONTROLS, values, strict=True)
        ]
        return [text, find_line(text, host), html, "", *knobs]


def _draw_page(
    album: Album, texts: Sequence[str], own: Album | None, place: float, draw: float
) -> str:
    image = 0 if own is not None else int(place) - 1
    return render(own or album, texts, image=image, draw=int(draw) - 1)


def find_port() -> int:
    """A port of this machine that is free now."""
    with socket.socket() as free:
        free.bind((LOOPBACK, 0))
        return int(free.getsockname()[1])


def serve(page: gr.Blocks, port: int) -> str:
    """Serve a page to this machine alone, in the background; the page's address."""
    fonts = {"font": ["system-ui", "sans-serif"], "font_mono": ["ui-monospace", "monospace"]}
    _, address, _ = page.launch(
        server_name=LOOPBACK,
        server_port=port,
        share=False,
        prevent_thread_lock=True,
        quiet=True,
        show_error=True,
        footer_links=[],
        max_file_size="50mb",
        ssr_mode=False,
        css=_CSS,
        theme=gr.themes.Default(**fonts),  # no font of another host
    )
    return str(address)
