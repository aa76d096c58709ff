/* The snippet that any site pastes in; the storefront uses it too.
 *
 *   <script src="http://HOST/static/zhiyin.js" data-key="EVENTS_KEY"></script>
 *   <div data-zhiyin-list="for_you" data-n="6"></div>
 *
 * `data-key` is an events key where the service has keys: it may append events, and nothing else.
 * It knows who is asking (an anonymous id until data-user or identify() says more), asks for lists, and logs what
 * was seen (half of a card in the viewport for a second), opened, and for how long. Events carry ids of their own,
 * so sending one twice is harmless: they are kept until the service has them, across reloads too.
 */
(function () {
  "use strict";

  const SEEN_SHARE = 0.5; // of a card, in the viewport
  const SEEN_AFTER = 1000; // milliseconds
  const SEND_AFTER = 1500; // milliseconds between an event and its batch
  const BATCH = 50; // events; far below the 64 kB that a page may send while it closes
  const KEPT = 500; // events waiting for the service at most; the oldest go first
  const ASK_TIMEOUT = 15000; // milliseconds

  const script = document.currentScript;
  const base = new URL("..", script.src).href;
  const key = script.dataset.key ? `?key=${encodeURIComponent(script.dataset.key)}` : "";
  const appending = `${base}v1/events${key}`; // with the key in the address: a beacon can set no header
  const local = shelf(() => window.localStorage);
  const tab = shelf(() => window.sessionStorage);

  let user = script.dataset.user || local.read("user", null) || remember(local, "user", "anon-" + freshId());
  const session = tab.read("session", null) || remember(tab, "session", freshId());

  // ---- asking -----------------------------------------------------------------------------------------

  /** A list: {n, scenario, text, like, unlike, session, filter, exclude, context}. What was tracked before counts. */
  async function recommend(query = {}) {
    await flush();
    return askAs("v1/recommend", { user_id: user, ...query });
  }

  /** Items like one item. */
  async function similar(itemId, query = {}) {
    await flush();
    return askAs("v1/similar", { item_id: itemId, user_id: user, ...query });
  }

  /** Items for a wish in words; logged as a search, unless it is still being typed (`log: false`). */
  async function search(text, query = {}, { log = true } = {}) {
    if (log) track("search", null, { text });
    await flush();
    return askAs("v1/search", { text, user_id: user, ...query });
  }

  /** Where an anonymous id has become somebody's, it tells a stranger nothing: then a new one asks. Of several
   * questions under way, the first to be refused makes the new id, and the others ask again with it. */
  async function askAs(path, body) {
    const asking = user;
    try {
      return await ask(path, body);
    } catch (error) {
      if (error.status !== 401 || body.user_id !== asking || !asking.startsWith("anon-")) throw error;
      if (user === asking) identify("anon-" + freshId());
      return ask(path, { ...body, user_id: user });
    }
  }

  async function ask(path, body, method = "POST") {
    const answer = await fetch(base + path, {
      method,
      headers: { "Content-Type": "application/json" },
      body: body ? JSON.stringify(body) : undefined,
      signal: AbortSignal.timeout(ASK_TIMEOUT),
    });
    const said = await answer.json();
    if (answer.ok) return said;
    throw Object.assign(new Error(said.detail || `the service answered ${answer.status}`), { status: answer.status });
  }

  /** What is known of this person in words, each line with its evidence. `language`: en or zh. */
  async function profile(language = "en") {
    await flush();
    return ask(`v1/users/${encodeURIComponent(user)}/profile?language=${language}`, null, "GET");
  }

  /** What this person says of lines: [{field, value, stance: more | less | never | unsaid}], or [{value: a sentence}].
   * It counts in the next list. Gives the profile as it is then. */
  async function say(edits, language = "en") {
    await flush();
    const address = `v1/users/${encodeURIComponent(user)}/profile`;
    return ask(`${address}${key ? `${key}&` : "?"}language=${language}`, { edits });
  }

  // ---- who is asking ----------------------------------------------------------------------------------

  /** From now on, this person. */
  function identify(userId) {
    endView();
    user = remember(local, "user", userId);
  }

  /** Remove everything about this person from the service; gives the receipt. A new anonymous id follows, at
   * once: what is seen while the service forgets must not bring the old one back. */
  async function forget() {
    const leaving = user;
    watching = null;
    identify("anon-" + freshId());
    await sending;
    settle(waiting.filter((event) => event.user_id === leaving));
    try {
      const receipt = await ask(`v1/users/${encodeURIComponent(leaving)}`, null, "DELETE");
      tab.write("origins", {});
      return receipt;
    } catch (error) {
      identify(leaving);
      throw error;
    }
  }

  // ---- events -----------------------------------------------------------------------------------------

  let waiting = local.read("waiting", []);
  const done = new Set(); // ids that need no sending any more
  let sending = null;
  let failures = 0;
  let timer = null;

  /** Log one event; `more` may hold recommendation_id, position, value, text, context. Gives the event's id. What
   * attributes of a page say are texts: numbers are made of them here, for the service takes no other, and refuses
   * all events that come with one it cannot take. */
  function track(type, itemId = null, more = {}) {
    const origin = (itemId && tab.read("origins", {})[itemId]) || {};
    const event = {
      event_id: freshId(),
      user_id: user,
      item_id: itemId,
      type,
      at: new Date().toISOString(),
      session_id: session,
      ...origin,
      ...more,
    };
    if ("value" in event) event.value = numberOf(event.value);
    if ("position" in event) event.position = placeNumber(event.position);
    waiting.push(event);
    waiting = waiting.slice(-KEPT);
    keep();
    later(waiting.length >= BATCH ? 0 : SEND_AFTER);
    return event.event_id;
  }

  /** A finite number, or null for what is none. */
  function numberOf(said) {
    const number = said === null || said === "" ? NaN : Number(said);
    return Number.isFinite(number) ? number : null;
  }

  /** A place counts from 0. */
  function placeNumber(said) {
    const number = numberOf(said);
    return Number.isInteger(number) && number >= 0 ? number : null;
  }

  /** Send all that waits. Gives whether the service has everything now; what failed is tried again later. */
  function flush() {
    sending = sending || sendAll().finally(() => (sending = null));
    return sending;
  }

  async function sendAll() {
    clearTimeout(timer);
    while (waiting.length) {
      const batch = waiting.slice(0, BATCH);
      if (!(await send(batch))) {
        failures += 1;
        later(Math.min(1000 * 2 ** failures, 60000) * (0.5 + Math.random() / 2));
        return false;
      }
      failures = 0;
      settle(batch);
    }
    return true;
  }

  /** Whether the batch is settled: stored, or refused for good. */
  async function send(events) {
    try {
      const answer = await fetch(appending, { method: "POST", body: JSON.stringify({ events }), keepalive: true });
      if (answer.ok) return true;
      const again = answer.status >= 500 || answer.status === 408 || answer.status === 429;
      if (!again) console.warn(`zhiyin: ${events.length} events were refused (${answer.status})`);
      return !again;
    } catch {
      return false; // no network: they wait
    }
  }

  function settle(batch) {
    for (const event of batch) done.add(event.event_id);
    waiting = waiting.filter((event) => !done.has(event.event_id));
    keep();
  }

  /** What waits here and in other tabs, on the shelf, so that closing the page loses nothing. */
  function keep() {
    const known = new Set(waiting.map((event) => event.event_id));
    const others = local.read("waiting", []).filter((e) => !done.has(e.event_id) && !known.has(e.event_id));
    local.write("waiting", [...others, ...waiting].slice(-KEPT));
  }

  function later(milliseconds) {
    clearTimeout(timer);
    timer = setTimeout(flush, milliseconds);
  }

  // ---- what was seen and opened -----------------------------------------------------------------------

  const clocks = new Map(); // element -> timer
  const shown = new Set(); // recommendation and item: seen once is seen

  const eye = new IntersectionObserver(
    (entries) => entries.forEach((e) => (e.intersectionRatio >= SEEN_SHARE ? start(e.target) : stop(e.target))),
    { threshold: SEEN_SHARE },
  );

  function start(element) {
    const place = placeOf(element);
    const name = JSON.stringify([place.recommendation_id, element.dataset.zhiyinItem]);
    if (clocks.has(element) || shown.has(name)) return;
    clocks.set(
      element,
      setTimeout(() => {
        stop(element);
        if (document.hidden || shown.has(name)) return;
        shown.add(name);
        track("impression", element.dataset.zhiyinItem, place);
      }, SEEN_AFTER),
    );
  }

  function stop(element) {
    clearTimeout(clocks.get(element));
    clocks.delete(element);
  }

  function placeOf(element) {
    const { zhiyinRecommendation, zhiyinPosition } = element.dataset;
    return { recommendation_id: zhiyinRecommendation, position: zhiyinPosition };
  }

  /** Say which place of which list a card shows; from then on it is watched. */
  function mark(element, itemId, recommendationId, position) {
    element.dataset.zhiyinItem = itemId;
    element.dataset.zhiyinPosition = position;
    element.dataset.zhiyinRecommendation = recommendationId;
  }

  function look(element) {
    stop(element);
    eye.unobserve(element);
    if (element.dataset.zhiyinRecommendation) eye.observe(element);
  }

  const CARD = "[data-zhiyin-item]";
  new MutationObserver((changes) => {
    for (const change of changes) {
      if (change.type === "attributes") look(change.target);
      for (const node of change.addedNodes) {
        if (node.nodeType !== Node.ELEMENT_NODE) continue;
        if (node.matches(CARD)) look(node);
        node.querySelectorAll(CARD).forEach(look);
        if (node.matches("[data-zhiyin-list]")) fill(node);
        node.querySelectorAll("[data-zhiyin-list]").forEach(fill);
      }
      for (const node of change.removedNodes) {
        if (node.nodeType === Node.ELEMENT_NODE) [node, ...node.querySelectorAll(CARD)].forEach(stop);
      }
    }
  }).observe(document, {
    subtree: true,
    childList: true,
    attributes: true,
    attributeFilter: ["data-zhiyin-recommendation"],
  });

  // A click is one on a link of a card, or on what is marked data-zhiyin-open.
  document.addEventListener(
    "click",
    (event) => {
      const opened = event.target.closest?.("a[href], [data-zhiyin-open]");
      const card = opened?.closest(CARD);
      if (!card?.dataset.zhiyinRecommendation) return;
      const item = card.dataset.zhiyinItem;
      tab.write("origins", { ...tab.read("origins", {}), [item]: placeOf(card) });
      track("click", item, placeOf(card));
    },
    true,
  );

  // ---- how long ---------------------------------------------------------------------------------------

  let watching = null; // {item, since, seconds}

  /** A person looks at this item from now on, until another view(), endView() or the page is left. */
  function view(itemId) {
    endView();
    watching = { item: itemId, since: performance.now(), seconds: 0 };
  }

  function endView() {
    if (!watching) return;
    pause();
    if (watching.seconds >= 1) track("view", watching.item, { value: Math.round(watching.seconds * 10) / 10 });
    watching = null;
  }

  function pause() {
    if (watching?.since) watching.seconds += (performance.now() - watching.since) / 1000;
    if (watching) watching.since = null;
  }

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      pause();
      flush();
    } else if (watching) watching.since = performance.now();
  });
  window.addEventListener("pagehide", () => {
    endView();
    leave();
  });

  /** The page closes: one last batch, that the browser sends after we are gone. As plain text: nothing else
   * goes to another site unasked. */
  function leave() {
    if (waiting.length) navigator.sendBeacon(appending, JSON.stringify({ events: waiting.slice(0, BATCH) }));
  }

  // ---- a list without a line of code ------------------------------------------------------------------

  /** Fill <div data-zhiyin-list="SCENARIO" data-n="6"> with linked titles. */
  async function fill(slot) {
    if (slot.dataset.zhiyinFilled) return;
    slot.dataset.zhiyinFilled = "yes";
    const list = await recommend({ scenario: slot.dataset.zhiyinList, n: Number(slot.dataset.n || 6) });
    const entries = document.createElement("ul");
    entries.className = "zhiyin-list";
    list.items.forEach((place, position) => {
      const entry = document.createElement("li");
      mark(entry, place.item_id, list.recommendation_id, position);
      const link = document.createElement("a");
      link.textContent = place.metadata.title || place.item_id;
      link.href = safeLink(place.metadata.url) || `#${encodeURIComponent(place.item_id)}`;
      entry.append(link);
      entries.append(entry);
    });
    slot.replaceChildren(entries);
  }

  /** The address if it is one of the web, never javascript: or the like. */
  function safeLink(address) {
    const url = address && URL.canParse(address, document.baseURI) ? new URL(address, document.baseURI) : null;
    return url && /^https?:$/.test(url.protocol) ? url.href : null;
  }

  // ---- small pieces -----------------------------------------------------------------------------------

  /** A shelf in the browser's storage; where that is forbidden, one that lasts as long as the page. */
  function shelf(find) {
    const memory = new Map();
    let store = { getItem: (name) => memory.get(name) ?? null, setItem: (name, text) => memory.set(name, text) };
    try {
      find().setItem("zhiyin.try", "1");
      store = find();
    } catch {
      /* forbidden by the browser's settings */
    }
    const parsed = (text) => {
      try {
        return JSON.parse(text);
      } catch {
        return null; // somebody else wrote it
      }
    };
    return {
      read: (name, otherwise) => parsed(store.getItem(`zhiyin.${name}`)) ?? otherwise,
      write: (name, value) => store.setItem(`zhiyin.${name}`, JSON.stringify(value)),
    };
  }

  function remember(where, name, value) {
    where.write(name, value);
    return value;
  }

  function freshId() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  window.zhiyin = Object.freeze({
    recommend,
    similar,
    search,
    profile,
    say,
    ask,
    track,
    flush,
    mark,
    view,
    endView,
    identify,
    forget,
    safeLink,
    get user() {
      return user;
    },
    get session() {
      return session;
    },
  });

  document.querySelectorAll("[data-zhiyin-list]").forEach(fill);
  if (script.dataset.item) view(script.dataset.item);
  if (waiting.length) later(0);
})();
