declare module "htmx.org/dist/htmx.esm.js" {
  const htmx: { process(element: Element): void; trigger(element: Element, name: string): void };
  export default htmx;
}
