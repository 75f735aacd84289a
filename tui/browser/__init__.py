"""The wizard as a web page: who may see it, and what runs behind it.

`textual_serve` carries keys and drawings between the page and a wizard's process. It knows no
login, so all of that is here; what the page needs comes from this machine alone.
"""
