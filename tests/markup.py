"""What is in a page of HTML."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "link", "input", "br"}


class Markup(HTMLParser):
    """The elements of a page; complains about tags that do not match."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        """Tag and attributes, in the order of the page."""
        self.texts: dict[str, list[str]] = {}
        """What stands in the elements of each tag."""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def with_id(self, name: str) -> dict[str, str | None]:
        """The attributes of the one element of that id."""
        (attributes,) = [attributes for _, attributes in self.elements if attributes.get("id") == name]
        return attributes

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open:
            self.texts.setdefault(self._open[-1], []).append(data)
