"""The month as it is billed: rate, draft, control, validate, print, export. Each stage can be repeated and survives a kill."""
