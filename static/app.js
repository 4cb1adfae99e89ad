// The little that our pages do by themselves: refresh what moves, tick all at once, search by keyboard.
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

// <div data-results>: the up and down arrows go from the search box to the first find, and from find to find.
document.addEventListener("keydown", (event) => {
  const finds = [...document.querySelectorAll("[data-results] a")];
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const box = document.querySelector("[role=search] input");
  const place = finds.indexOf(event.target);
  if (!step || !finds.length || (place < 0 && event.target !== box && event.target !== document.body)) return;
  event.preventDefault();
  (finds[place + step] ?? (step < 0 ? box : finds[place])).focus();
});

// <form data-preview="frame">: the button that aims at that frame is pressed after each pause in typing. A new frame takes
// the old one's place once it is loaded: nothing flashes, and « back » still leaves the page.
for (const form of document.querySelectorAll("form[data-preview]")) {
  const name = form.dataset.preview;
  const button = [...form.elements].find((element) => element.formTarget === name);
  let shown = document.querySelector(`iframe[name="${name}"]`);
  let coming, pause, turn = 0;
  const refresh = () => {
    coming?.remove();
    const fresh = (coming = shown.cloneNode());
    fresh.removeAttribute("src");
    fresh.classList.add("coming");
    fresh.name = button.formTarget = name + ++turn;
    shown.after(fresh);
    form.requestSubmit(button);
    fresh.addEventListener("load", () => {
      shown.remove();
      fresh.classList.remove("coming");
      [shown, coming] = [fresh, null];
    }, { once: true });
  };
  document.addEventListener("input", ({ target }) => {
    if (target.form !== form) return;
    clearTimeout(pause);
    pause = setTimeout(refresh, 400);
  });
  if (form.querySelector("[aria-invalid]")) refresh();

  // <code data-insert="body">: a click puts its words where the caret was last.
  let field;
  form.addEventListener("focusin", ({ target }) => { if (target.matches("textarea, input:not([type=hidden], [list])")) field = target; });
  for (const words of document.querySelectorAll("code[data-insert]")) {
    const press = Object.assign(document.createElement("button"), { type: "button", className: "plain code", title: "Insérer" });
    press.dataset.insert = words.dataset.insert;
    press.append(words.textContent);
    words.replaceWith(press);
    press.addEventListener("click", () => {
      const target = field || form.elements[words.dataset.insert];
      target.setRangeText(press.textContent, target.selectionStart, target.selectionEnd, "end");
      target.focus();
      target.dispatchEvent(new Event("input", { bubbles: true }));
    });
  }
}

// <form data-follow="/address" data-into="id" data-only="field">: after a pause in typing, the answer takes the place of the element;
// of several, when data-into names several.
async function follow(form) {
  form.asked?.abort();
  form.asked = new AbortController();
  const sent = { method: "POST", body: new URLSearchParams(new FormData(form)), signal: form.asked.signal };
  const response = await fetch(form.dataset.follow, sent).catch(() => null);
  if (!response?.ok || response.redirected) return;
  const html = await response.text().catch(() => "");
  const answer = new DOMParser().parseFromString(html, "text/html");
  for (const id of form.dataset.into.split(" ")) {
    const fresh = answer.getElementById(id);
    if (fresh) document.getElementById(id)?.replaceWith(fresh);
  }
}
document.addEventListener("input", ({ target }) => {
  const form = target.form;
  if (!form?.dataset.follow || (form.dataset.only && form.dataset.only !== target.name)) return;
  clearTimeout(form.pause);
  form.pause = setTimeout(follow, 200, form);
});
