// What every htmx request carries and how it fails: the CSRF token from the cookie (so an old page still works), one
// form is sent once, an older look never covers a newer answer, a lost connection is said in words.
import { goHome, tend, toast } from "./toast";
import { word } from "./words";

type Context = {
  ctx: { request: { headers: Record<string, string>; method: string }; sourceElement: Element; target?: Element | string };
};

function csrf(): string {
  const cookie = /(?:^|; )saoma_csrf=([^;]+)/.exec(document.cookie);
  return cookie ? decodeURIComponent(cookie[1] || "") : document.querySelector<HTMLMetaElement>('meta[name="csrf"]')?.content || "";
}

const asked = new WeakMap<object, number>();
const shown = new WeakMap<Element, number>();
let requests = 0;

/** News made this element look again: nobody pressed anything. */
function looksByItself({ request, sourceElement }: Context["ctx"]): boolean {
  return request.method.toUpperCase() === "GET" && /\blive:/.test(sourceElement.getAttribute("hx-trigger") || "");
}

/** Presses and looks are answered in any order. What was looked at before a press, and comes after the press was
 * answered or its element is gone, is old: it is not shown. */
function keepNewest(event: Event): void {
  const { ctx } = (event as CustomEvent<Context>).detail;
  // An answer that names another place (HX-Retarget) names it by selector.
  const target = typeof ctx.target === "string" ? document.querySelector(ctx.target) : ctx.target;
  const at = asked.get(ctx) || 0;
  const before = (target && shown.get(target)) || 0;
  if (looksByItself(ctx) && (at < before || !ctx.sourceElement.isConnected)) event.preventDefault();
  else if (target) shown.set(target, Math.max(at, before));
}

export function startRequests(): void {
  document.addEventListener("htmx:before:request", (event) => {
    asked.set((event as CustomEvent<Context>).detail.ctx, ++requests);
  });
  document.addEventListener("htmx:before:swap", keepNewest);
  document.addEventListener("htmx:config:request", (event) => {
    const { request } = (event as CustomEvent<Context>).detail.ctx;
    if (request.method.toUpperCase() !== "GET") request.headers["X-CSRF-Token"] = csrf();
  });
  document.addEventListener("htmx:error", (event) => {
    const { error } = (event as CustomEvent<{ error?: unknown }>).detail;
    if (!navigator.onLine || error instanceof TypeError) toast(word("lost"), "failed");
    else if (error) toast(word("slow"), "failed");
  });
  document.addEventListener("htmx:before:swap", goHome);
  document.addEventListener("htmx:after:swap", tend);
  document.addEventListener("close", goHome, true);
  document.addEventListener("submit", (event) => {
    const form = event.target as HTMLFormElement;
    if (form.getAttribute("method")?.toLowerCase() === "dialog" || event.defaultPrevented) return;
    const hidden = form.querySelector<HTMLInputElement>('input[name="_csrf_token"]');
    if (hidden) hidden.value = csrf() || hidden.value;
    if (form.matches("[hx-post], [hx-put], [hx-patch], [hx-delete], [hx-get]")) return;
    if (form.getAttribute("aria-busy") === "true") event.preventDefault();
    else form.setAttribute("aria-busy", "true");
  });
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll('form[aria-busy="true"]')) form.removeAttribute("aria-busy");
  });
  tend();
}
