// What every htmx request carries and how it fails: the CSRF token from the cookie (so an old page still works), one
// form is sent once, a lost connection is said in words.
import { goHome, tend, toast } from "./toast";
import { word } from "./words";

type Context = { ctx: { request: { headers: Record<string, string>; method: string } } };

function csrf(): string {
  const cookie = /(?:^|; )saoma_csrf=([^;]+)/.exec(document.cookie);
  return cookie ? decodeURIComponent(cookie[1] || "") : document.querySelector<HTMLMetaElement>('meta[name="csrf"]')?.content || "";
}

export function startRequests(): void {
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
