// The generated admin speaks French and shows what may not change. The server decides; this only says so in time.
"use strict";
{
  const { tables, said } = JSON.parse(document.getElementById("lc-words").textContent);

  // A dependency asks `new Function("return this")` for the global object; the page's policy allows no made-up code.
  window.Function = new Proxy(Function, {
    construct: (target, given) => (given[0] === "return this" ? () => globalThis : Reflect.construct(target, given)),
  });

  // Light or dark as the system has it, until the person chooses here.
  if ([undefined, localStorage.systemDark].includes(localStorage.darkMode))
    localStorage.darkMode = localStorage.systemDark = JSON.stringify(matchMedia("(prefers-color-scheme: dark)").matches);

  for (const [name, { title }] of Object.entries(tables)) {
    const words = name.replaceAll("_", " ");
    said[words] = said[words.replace(/(^|\s)\S/g, (letter) => letter.toUpperCase())] = title;
  }
  const acts = {
    Ajouter: "ajouter",
    Créer: "ajouter",
    get Modifier() {
      return shown().locks?.includes("readonly") ? "consulter" : "modifier";
    },
  };
  const shapes = [
    [/^of (\d+)$/, (_, pages) => `sur ${pages}`],
    [/^(\d+) per page$/i, (_, rows) => `${rows} par page`],
    [/^Select a row from (.+)$/, (_, table) => `${said[table] ?? table} : choisissez`],
    [/^(Modifier|Ajouter|Créer) (.+)$/, (whole, act, table) => (said[table] ? `${said[table]} : ${acts[act]}` : whole)],
    [/^Unable to delete row (\S+) \((.*)\)$/, (_, row, why) => why],
    [/^Are you sure you want to delete row \S+\?$/, () => "Supprimer cette ligne ?"],
  ];
  const french = (text) => said[text] ?? shapes.reduce((done, [shape, words]) => done.replace(shape, words), text);

  for (const name of ["confirm", "alert"]) {
    const spoken = window[name];
    window[name] = (text) => spoken.call(window, french(text));
  }

  const civil = { timeZone: "Europe/Paris", dateStyle: "short" };
  const dated = (text) => {
    if (/^\d{4}-\d\d-\d\d$/.test(text)) return text.split("-").reverse().join("/");
    if (/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(text)) return new Date(text).toLocaleString("fr-FR", { ...civil, timeStyle: "short" });
    return text;
  };

  // What people typed is never translated: the cells of the list, the rows to choose from, the text fields.
  const typed = "td > span:not(:has(> code)), .results_list li + li, textarea, .popup";
  const translate = (node) => {
    const text = node.nodeValue.trim();
    const kept = node.parentElement?.closest(typed) && !location.hash.startsWith("#/timeline_entry");
    const words = text && dated(kept ? text : french(text));
    if (words && words !== text) node.nodeValue = node.nodeValue.replace(text, () => words);
  };
  const attributes = (element) => {
    for (const name of ["placeholder", "title", "label"]) {
      const text = element.getAttribute(name);
      if (text && french(text) !== text) element.setAttribute(name, french(text));
    }
  };

  const shown = () => {
    const [, name, row] = location.hash.match(/^#\/(\w+)\/?(\w+)?/) ?? [];
    return { ...tables[name], row: tables[name] && row };
  };

  // Which table is shown, and what its locks leave: the stylesheet hides the buttons, the fields sleep.
  const lock = () => {
    const table = shown();
    document.documentElement.dataset.lc = table.locks?.join(" ") ?? "";
    for (const link of document.querySelectorAll('#app a.add[href$="/add/"]'))
      link.hidden = tables[link.hash.split("/")[1]]?.locks.includes("closed") ?? true;
    if (!/^\d+$/.test(table.row ?? "")) return;
    const everything = "form :is(input, select, textarea)";
    const fields = table.locks.includes("readonly") ? everything : table.locked.map((name) => `form [name="${name}"]`).join();
    for (const field of document.querySelectorAll(fields)) {
      field.disabled = true;
      field.closest(".key_search")?.classList.add("lc-locked");
    }
  };

  const look = (changes) => {
    if (location.hash.startsWith("#/login")) return location.replace("/entrer?suite=/admin/");
    for (const { target, type, addedNodes } of changes) {
      if (type === "characterData") translate(target);
      for (const node of addedNodes) {
        const walker = document.createTreeWalker(node, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
        for (let seen = node; seen; seen = walker.nextNode()) {
          if (seen.nodeType === Node.TEXT_NODE) translate(seen);
          else if (seen.nodeType === Node.ELEMENT_NODE) attributes(seen);
        }
      }
    }
    lock();
  };
  new MutationObserver(look).observe(document.documentElement, { subtree: true, childList: true, characterData: true });
  addEventListener("hashchange", () => look([]));
}
