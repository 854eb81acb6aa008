// The one script of every page: htmx, live updates, and the small habits of the parts. Screens with more to do have a
// file of their own beside this one. What a reader would get wrong: content arrives by swaps, so listen on document.

import "./lib/htmx";
import { startLive } from "./lib/live";
import { startClocks } from "./lib/clocks";
import { startParts } from "./lib/parts";
import { startRequests } from "./lib/requests";
import { startSounds } from "./lib/sound";

document.documentElement.classList.add("scripted");
startSounds();
startRequests();
startParts();
startClocks();
startLive();
