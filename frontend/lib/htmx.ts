// htmx, put on window because its attributes and other scripts look for it there.
import htmx from "htmx.org/dist/htmx.esm.js";

(window as unknown as { htmx: unknown }).htmx = htmx;
export default htmx;
