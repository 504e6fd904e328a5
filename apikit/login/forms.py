"""The forms of an HTML page, as a browser without scripts would send them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any, Final

from apikit import _core

__all__ = [
    "URLENCODED",
    "Control",
    "HtmlForm",
    "consent_of",
    "is_new_password",
    "overlay",
    "parse_forms",
    "takes_password",
    "wants_new_password",
]

URLENCODED: Final = "application/x-www-form-urlencoded"

#: Elements in which markup is text, or does not count.
_INERT: Final = frozenset({"textarea", "title", "template", "iframe", "noembed"})
#: Characters of a page that are looked at: more than any login page has.
_LONGEST: Final = 2 * 1024 * 1024
#: Kinds of input that send nothing of themselves.
_SILENT: Final = frozenset({"submit", "image", "button", "reset", "file", "select", "textarea"})
#: Kinds of control in which nobody enters anything.
_NOT_ENTERED: Final = frozenset({"hidden", "submit", "image", "button", "reset"})
#: Names and values of what does not agree.
_DISAGREES: Final = frozenset({"0", "cancel", "denied", "deny", "no", "reject", "rejected"})


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
    def is_entered(self) -> bool:
        """Whether a person is to enter or choose something there."""
        return self.kind not in _NOT_ENTERED

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

    def is_posted(self) -> bool:
        """Whether it is sent as a log-in is: by POST, urlencoded."""
        return self.method == "post" and self.enctype == URLENCODED and bool(self.action)

    def fields(self, submit: Control | None) -> list[tuple[str, str]]:
        """Return what a browser sends, in the order of the page.

        Parameters
        ----------
        submit
            The button that is pressed.
        """
        return [
            (one.name, one.value)
            for one in self.controls
            if one.is_sent or (one is submit and one.name)
        ]

    def named(self, name: str) -> Control | None:
        """Return the first control that is sent under `name`."""
        return next((one for one in self.controls if one.is_sent and one.name == name), None)


#: Element -> the kind of its control, where it names none.
_KINDS: Final = {"input": "text", "button": "submit", "select": "select", "textarea": "textarea"}


class _Parser(HTMLParser):
    def __init__(self, url: str) -> None:
        super().__init__(convert_charrefs=True)
        self._base = url
        self._inside: HtmlForm | None = None
        self._inert: list[str] = []
        self._fieldsets: list[bool] = []
        self._disabled = 0  # how many of them are
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
            if tag == "textarea":
                self._add_control(tag, given)
        elif tag == "base":
            self._set_base(given)
        elif tag == "form":
            self._open_form(given)
        elif tag == "fieldset":
            self._fieldsets.append("disabled" in given)
            self._disabled += self._fieldsets[-1]
        elif tag in ("input", "button", "select"):
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
            self._disabled -= self._fieldsets.pop()

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
        if "disabled" in given or self._disabled:
            return
        default = _KINDS[tag]
        kind = default
        if tag in ("input", "button"):
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


def is_new_password(control: Control) -> bool:
    """Whether a password is chosen there, and not asked for.

    Parameters
    ----------
    control
        Of any kind.
    """
    return control.kind == "password" and "new-password" in control.autocomplete.split()


def takes_password(form: HtmlForm) -> bool:
    """Whether a form posts exactly one password, and not a new one.

    Parameters
    ----------
    form
        Of any kind.
    """
    passwords = form.of_kind("password")
    return (
        form.method == "post"
        and form.enctype == URLENCODED
        and len(passwords) == 1
        and bool(passwords[0].name)
        and not is_new_password(passwords[0])
    )


def wants_new_password(form: HtmlForm) -> bool:
    """Whether a form is there to choose a password.

    Parameters
    ----------
    form
        Of any kind.
    """
    return any(map(is_new_password, form.controls)) or len(form.of_kind("password")) > 1


def consent_of(forms: list[HtmlForm]) -> tuple[HtmlForm, Control] | None:
    """Return the first form that agrees to something, and its button.

    It has nothing to enter, and a button of which neither name nor value says no, as no
    hidden field does.

    Parameters
    ----------
    forms
        Of a page.
    """
    for form in forms:
        if not form.is_posted() or any(one.is_entered for one in form.controls):
            continue
        if any(one.value.strip().lower() in _DISAGREES for one in form.of_kind("hidden")):
            continue
        for button in form.of_kind("submit"):
            if not {button.name.strip().lower(), button.value.strip().lower()} & _DISAGREES:
                return form, button
    return None


def overlay(fields: list[tuple[str, str]], own: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Put the caller's values in place of the page's, and what the page lacks behind them.

    Parameters
    ----------
    fields
        Names and values of the page.
    own
        The caller's; what is None is left out.
    """
    values = {
        name: value.decode() if isinstance(value, bytes) else str(value)
        for name, value in own.items()
        if value is not None
    }
    merged = [(name, values.get(name, value)) for name, value in fields]
    names = {name for name, _ in fields}
    return merged + [(name, value) for name, value in values.items() if name not in names]
