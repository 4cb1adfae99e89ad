// The little that our pages do by themselves: refresh what moves, tick all at once, reach the search with one key.
// Without it every page still reads and works.
"use strict";

// <section data-poll="/address" data-every="2"> … </section>: replaced by the answer until an answer no longer asks for more.
async function poll(element) {
  await new Promise((wake) => setTimeout(wake, 1000 * (element.dataset.every || 2)));
  if (!element.isConnected) return;
  const response = await fetch(element.dataset.poll, { headers: { accept: "text/html" } }).catch(() => null);
  if (response?.redirected) return location.reload();
  if (!response?.ok) return poll(element);
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html").querySelector("[data-poll], [data-polled]");
  if (!fresh) return location.reload();
  element.replaceWith(fresh);
  if (fresh.dataset.poll) poll(fresh);
}
document.querySelectorAll("[data-poll]").forEach(poll);

// <input type="checkbox" data-tick-all="ids">: ticks every checkbox of that name in its form.
document.addEventListener("change", ({ target }) => {
  const name = target.dataset?.tickAll;
  if (name) for (const box of target.form.querySelectorAll(`input[name="${name}"]:enabled`)) box.checked = target.checked;
});

document.addEventListener("keydown", (event) => {
  const search = document.querySelector("[role=search] input");
  if (event.key !== "/" || !search || event.target.closest("input, select, textarea")) return;
  event.preventDefault();
  search.focus();
});

// <form data-preview="/address" data-into="id" data-only="field">: after a pause in typing, the answer takes the place of the element.
async function preview(form) {
  form.asked?.abort();
  form.asked = new AbortController();
  const sent = { method: "POST", body: new URLSearchParams(new FormData(form)), signal: form.asked.signal };
  const response = await fetch(form.dataset.preview, sent).catch(() => null);
  if (!response?.ok || response.redirected) return;
  const html = await response.text().catch(() => "");
  const fresh = new DOMParser().parseFromString(html, "text/html").getElementById(form.dataset.into);
  if (fresh) document.getElementById(form.dataset.into).replaceWith(fresh);
}
document.addEventListener("input", ({ target }) => {
  const form = target.form;
  if (!form?.dataset.preview || (form.dataset.only && form.dataset.only !== target.name)) return;
  clearTimeout(form.pause);
  form.pause = setTimeout(preview, 200, form);
});
