// What the page knows of items and of the visitor: items met in lists, and what was opened and liked.

const items = new Map(); // item_id -> metadata
const titles = new Map(); // item_id -> title, of items that were only named
const liked = new Map(); // item_id -> metadata, newest last
const chosen = []; // item ids opened or liked, oldest first

/** An item as a list brought it. */
export function meet(place) {
  const item = { ...place.metadata, item_id: place.item_id };
  items.set(item.item_id, item);
  return item;
}

/** Items that reasons name. */
export function meetNames(named) {
  for (const [itemId, title] of Object.entries(named)) titles.set(itemId, title);
}

/** An item as well as it is known: whole, or by its title only. */
export function named(itemId) {
  return items.get(itemId) || (titles.has(itemId) ? { item_id: itemId, title: titles.get(itemId) } : undefined);
}

export function item(itemId) {
  return items.get(itemId);
}

export function choose(itemId) {
  if (!chosen.includes(itemId)) chosen.push(itemId);
}

/** What was opened or liked last and is known by name. */
export function lastChosen() {
  return chosen.filter((itemId) => items.has(itemId)).at(-1);
}

export function likes(itemId) {
  return liked.has(itemId);
}

export function like(itemId) {
  liked.set(itemId, items.get(itemId));
}

export function likedItems() {
  return [...liked.values()].filter(Boolean).reverse();
}

/** Forget the visitor, keep the catalogue. */
export function forgetVisitor() {
  liked.clear();
  chosen.length = 0;
}
