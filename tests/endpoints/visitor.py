"""Who meets the program in these tests."""

import re

import httpx

from app import app

API_TOKEN, CRON_TOKEN = "a" * 40, "c" * 40
EMAIL, PASSWORD = "camille@exemple.example", "une phrase assez longue"


class Visitor(httpx.AsyncClient):
    """A browser of its own, from an address of its own."""

    def __init__(self, address="198.51.100.7", **options):
        transport = httpx.ASGITransport(app=app, client=(address, 4711), raise_app_exceptions=False)
        super().__init__(transport=transport, **{"base_url": "http://testserver", **options})

    async def csrf(self, path="/entrer"):
        return re.search(r'name="_csrf_token" value="(\w+)"', (await self.get(path)).text)[1]

    async def login(self, username=EMAIL, password=PASSWORD, suite="/"):
        form = {"_csrf_token": await self.csrf(), "username": username, "password": password, "suite": suite}
        return await self.post("/entrer", data=form)

    async def admin(self, method, path, **options):
        """A call as the generated admin makes it, with its own CSRF header."""
        if "csrftoken" not in self.cookies:
            await self.get("/admin/")
        headers = {"X-CSRFToken": self.cookies["csrftoken"], **options.pop("headers", {})}
        return await self.request(method, f"/admin/{path}", headers=headers, **options)
