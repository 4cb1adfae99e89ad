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

// <form data-drop> … <input type="file"> … </form>: a file dropped anywhere on the form is the chosen one.
for (const form of document.querySelectorAll("form[data-drop]")) {
  form.addEventListener("dragover", (event) => event.preventDefault());
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    if (event.dataTransfer.files.length) form.querySelector("input[type=file]").files = event.dataTransfer.files;
  });
}

document.addEventListener("keydown", (event) => {
  const search = document.querySelector("[role=search] input");
  if (event.key !== "/" || !search || event.target.closest("input, select, textarea")) return;
  event.preventDefault();
  search.focus();
});
