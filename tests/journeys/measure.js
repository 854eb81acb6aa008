/* Measures the page it runs in, for measuring.py: what is small, cut, outside or on top of something else. */
(thumb) => {
  const top = document.querySelector("dialog:modal") || document.body;
  const seen = (e) => e.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true });
  const name = (e) => {
    const said = e.getAttribute("aria-label") || e.innerText || e.name || e.className || e.tagName;
    return String(said).trim().replace(/\s+/g, " ").slice(0, 40);
  };
  const some = (e, test) => {
    for (let p = e; p; p = p.parentElement) if (test(getComputedStyle(p))) return true;
    return false;
  };
  const scrolls = (e) => some(e.parentElement, (s) => /auto|scroll/.test(s.overflowX));
  const stays = (e) => some(e, (s) => /fixed|sticky/.test(s.position));

  const small = [];
  const out = [];
  const pressed = "a[href], button, summary, select, textarea, [role=button], input:not([type=hidden])";
  for (const e of top.querySelectorAll(pressed)) {
    if (!seen(e) || e.disabled || e.classList.contains("skip")) continue;
    const label = e.closest("label");
    const box = (label || e).getBoundingClientRect();
    if (box.width < 2 || box.height < 2) continue;
    // A link within a sentence is as tall as its line.
    const inline = e.tagName === "A" && getComputedStyle(e).display === "inline";
    const around = getComputedStyle(e, "::after");
    const grown = around.position === "absolute" ? parseFloat(around.height) || 0 : 0;
    const tall = Math.max(box.height, grown);
    if (!inline && tall < thumb) small.push(`${name(e)} (${Math.round(box.width)}x${Math.round(tall)})`);
    if ((box.right > innerWidth + 1 || box.left < -1) && !scrolls(e)) out.push(name(e));
  }

  const cut = [];
  const texts = [];
  for (const e of top.querySelectorAll("*")) {
    const own = [...e.childNodes].filter((n) => n.nodeType === 3 && n.data.trim());
    if (!own.length || !seen(e) || e.closest("svg, .sr, .skip, option, [hidden], .long thead")) continue;
    for (let p = e; p && p !== document.body; p = p.parentElement) {
      if (!/hidden|clip/.test(getComputedStyle(p).overflowX)) continue;
      if (p.clientWidth > 2 && p.scrollWidth > p.clientWidth + 1) cut.push(`${name(e)} in .${p.className}`);
      break;
    }
    const range = document.createRange();
    for (const n of stays(e) ? [] : own) {
      range.selectNodeContents(n);
      const r = range.getBoundingClientRect();
      if (r.width > 1 && r.height > 1) texts.push({ e, r, t: n.data.trim().slice(0, 30) });
    }
  }
  const over = [];
  const flow = texts.slice(0, 500);
  flow.forEach((a, i) => {
    for (const b of flow.slice(i + 1)) {
      if (a.e.contains(b.e) || b.e.contains(a.e)) continue;
      const w = Math.min(a.r.right, b.r.right) - Math.max(a.r.left, b.r.left);
      const h = Math.min(a.r.bottom, b.r.bottom) - Math.max(a.r.top, b.r.top);
      if (w > 3 && h > 5) over.push(`${a.t} / ${b.t}`);
    }
  });

  const box = top.tagName === "DIALOG" ? top.getBoundingClientRect() : null;
  const hints = [...top.querySelectorAll("[placeholder], [aria-label], [title]")].filter(seen);
  return {
    small: [...new Set(small)],
    cut: [...new Set(cut)],
    out: [...new Set(out)],
    over: [...new Set(over)].slice(0, 6),
    text: [
      top.innerText,
      ...hints.flatMap((e) => [e.placeholder, e.getAttribute("aria-label"), e.title].filter(Boolean)),
    ].join("\n"),
    title: document.title,
    past: box ? Math.round(Math.max(box.bottom - innerHeight, -box.top)) : 0,
    lang: document.documentElement.lang,
  };
};
