// All that a partner's page has to do: an order from its own server, tradePay with its number, and then the truth from
// its own server again. What a reader would get wrong: the resultCode is only shown here, nothing is decided by it.

interface Bridge {
  call(name: "tradePay", given: { tradeNO: string }, done: (told: { resultCode: string }) => void): void;
}

interface Said {
  number?: string;
  trade?: string;
  status?: string;
  words?: string;
  problem?: string;
}

const button = document.querySelector<HTMLButtonElement>("#pay");
const offline = document.body.dataset.offline!;

async function post(path: string, body: object): Promise<Said> {
  const headers = { "Content-Type": "application/json", "X-Wallet": "1" };
  try {
    return (await (await fetch(`/toy-shop${path}`, { method: "POST", headers, body: JSON.stringify(body) })).json()) as Said;
  } catch {
    return { problem: offline };
  }
}

function show(id: string, text = "–"): void {
  document.getElementById(id)!.textContent = text;
}

function say(words: string, mood: string): void {
  show("told", words);
  document.getElementById("told")!.className = `told ${mood}`;
}

async function buy(): Promise<void> {
  button!.disabled = true;
  say("", "");
  show("code");
  show("status");
  const order = await post("/order", {});
  button!.disabled = false;
  if (!order.trade) return say(order.problem || offline, "bad");
  const bridge = (window as unknown as { AlipayJSBridge: Bridge }).AlipayJSBridge;
  bridge.call("tradePay", { tradeNO: order.trade }, (told) => {
    show("code", told.resultCode);
    void post("/asked", { number: order.number }).then((now) => {
      show("status", now.status);
      say(now.words || now.problem || offline, now.status === "TRADE_SUCCESS" ? "good" : "bad");
    });
  });
}

function ready(): void {
  button!.disabled = false;
  button!.addEventListener("click", () => void buy());
}

if (button) {
  if ("AlipayJSBridge" in window) ready();
  else document.addEventListener("AlipayJSBridgeReady", ready, { once: true });
}
