// The generated admin speaks French and shows what may not change. Our own server decides; this only says so in time.
"use strict";
{
  const words = JSON.parse(document.getElementById("lc-words").textContent);

  // A dependency asks `new Function("return this")` for the global object; the page's policy allows no such thing.
  window.Function = new Proxy(Function, {
    construct: (target, given) => (given[0] === "return this" ? () => globalThis : Reflect.construct(target, given)),
  });

  localStorage.darkMode ??= JSON.stringify(matchMedia("(prefers-color-scheme: dark)").matches);

  const enter = () => {
    if (location.hash.startsWith("#/login")) location.replace("/entrer?suite=/admin/");
  };
  addEventListener("hashchange", enter);
  enter();

  const readable = (name) => name.replace(/_/g, " ").replace(/(^|\s)\S/g, (letter) => letter.toUpperCase());
  const said = { ...words.said };
  for (const [table, title] of Object.entries(words.names)) said[readable(table)] = said[table] = title;
  for (const name of ["confirm", "alert"]) {
    const spoken = window[name];
    window[name] = (text) => spoken.call(window, said[text] ?? text);
  }
}
