"""The doors: admin, pages, API, scheduler. A handler reads, calls one verb, answers one sentence."""
