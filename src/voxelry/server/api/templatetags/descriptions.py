"""Descriptions of the OpenAPI document as HTML: paragraphs, and code between backticks."""

from __future__ import annotations

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def paragraphs(text: str) -> SafeString:
    """A paragraph for each that a blank line ends."""
    return format_html_join("\n", "<p>{}</p>", ((with_code(one),) for one in text.split("\n\n") if one))


@register.filter
def with_code(text: str) -> SafeString:
    """The text, with what stands between backticks as code."""
    pieces = enumerate(text.replace("``", "`").split("`"))
    return format_html_join("", "{}", ((format_html("<code>{}</code>", one) if n % 2 else one,) for n, one in pieces))
