"""The forms of an HTML page, as a browser without scripts would send them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final

from apikit import _core

__all__ = ["Control", "HtmlForm", "parse_forms"]

#: Elements in which markup is text, or does not count.
_INERT: Final = frozenset({"textarea", "title", "template", "iframe", "noembed"})
#: Characters of a page that are looked at: more than any login page has.
_LONGEST: Final = 2 * 1024 * 1024
#: Kinds of input that send nothing of themselves.
_SILENT: Final = frozenset({"submit", "image", "button", "reset", "file"})


@dataclass(frozen=True)
class Control:
    """An input or a button.

    Attributes
    ----------
    kind
        Its type in lower case: text, hidden, password, submit...
    name, value
        "" where there is none.
    autocomplete
        In lower case, "" where there is none.
    checked
        Whether it is, for boxes.
    """

    kind: str
    name: str
    value: str
    autocomplete: str
    checked: bool

    @property
    def is_sent(self) -> bool:
        """Whether a browser sends it, however the form is sent."""
        if not self.name or self.kind in _SILENT:
            return False
        return self.checked or self.kind not in ("checkbox", "radio")


@dataclass
class HtmlForm:
    """A form.

    Attributes
    ----------
    action
        Its URL, resolved; that of the page where none is given.
    method, enctype
        In lower case, with HTML's defaults.
    controls
        What is in it and enabled, in the order of the page.
    """

    action: str
    method: str
    enctype: str
    controls: list[Control] = field(default_factory=list)

    def of_kind(self, *kinds: str) -> list[Control]:
        """Return the controls of these kinds."""
        return [control for control in self.controls if control.kind in kinds]

    def named(self, name: str) -> Control | None:
        """Return the first control that is sent under `name`."""
        return next((one for one in self.controls if one.is_sent and one.name == name), None)


class _Parser(HTMLParser):
    def __init__(self, url: str) -> None:
        super().__init__(convert_charrefs=True)
        self._base = url
        self._inside: HtmlForm | None = None
        self._inert: list[str] = []
        self._disabled = 0
        self._fieldsets: list[bool] = []
        self._by_id: dict[str, HtmlForm] = {}
        self._elsewhere: list[tuple[str, Control]] = []
        self._url = url
        self._forms: list[HtmlForm] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # Of an attribute that is given twice the first counts.
        given = {name: value or "" for name, value in reversed(attrs)}
        if self._inert:
            if tag == self._inert[-1] == "template":
                self._inert.append(tag)
        elif tag in _INERT:
            self._inert.append(tag)
        elif tag == "base":
            self._set_base(given)
        elif tag == "form":
            self._open_form(given)
        elif tag == "fieldset":
            self._fieldsets.append("disabled" in given)
        elif tag in ("input", "button"):
            self._add_control(tag, given)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)  # HTML knows no form or title that is closed so

    def handle_endtag(self, tag: str) -> None:
        if self._inert:
            if tag == self._inert[-1]:
                self._inert.pop()
        elif tag == "form":
            self._inside = None
        elif tag == "fieldset" and self._fieldsets:
            self._fieldsets.pop()

    def forms(self) -> Iterator[HtmlForm]:
        """Iterate over the forms, each with the controls that name it from elsewhere."""
        for identity, control in self._elsewhere:
            if identity in self._by_id:
                self._by_id[identity].controls.append(control)
        return iter(self._forms)

    def _set_base(self, given: dict[str, str]) -> None:
        if given.get("href") and self._base == self._url:
            self._base = _resolve(self._url, given["href"])

    def _open_form(self, given: dict[str, str]) -> None:
        if self._inside is not None:
            return  # a form in a form is none
        action = given.get("action", "").strip()
        self._inside = HtmlForm(
            action=_resolve(self._base, action) if action else self._url,
            method=given.get("method", "get").strip().lower(),
            enctype=given.get("enctype", "application/x-www-form-urlencoded").strip().lower(),
        )
        self._forms.append(self._inside)
        if "id" in given:
            self._by_id.setdefault(given["id"], self._inside)

    def _add_control(self, tag: str, given: dict[str, str]) -> None:
        if "disabled" in given or any(self._fieldsets):
            return
        default = "text" if tag == "input" else "submit"
        kind = given.get("type", default).strip().lower() or default
        default_value = "on" if kind in ("checkbox", "radio") else ""
        control = Control(
            kind=kind,
            name=given.get("name", ""),
            value=given.get("value", default_value),
            autocomplete=given.get("autocomplete", "").strip().lower(),
            checked="checked" in given,
        )
        if "form" in given:
            self._elsewhere.append((given["form"], control))
        elif self._inside is not None:
            self._inside.controls.append(control)


def _resolve(base: str, reference: str) -> str:
    try:
        return _core.resolve_url(base, reference)
    except ValueError:
        return ""  # no place to send anything to


def parse_forms(text: str, url: str) -> list[HtmlForm]:
    """Return the forms of a page.

    Parameters
    ----------
    text
        HTML, well-formed or not.
    url
        Where the page is.

    Returns
    -------
    list of HtmlForm
        In the order of the page; an action that is no http or https URL is "".
    """
    parser = _Parser(url)
    # A tag that is not closed makes html.parser look through the rest once for each "<".
    end = text.rfind(">", 0, _LONGEST) + 1
    try:
        parser.feed(text[:end])
        parser.close()
    except AssertionError:
        pass  # html.parser's way to refuse "<![": what stands before it counts
    return list(parser.forms())
