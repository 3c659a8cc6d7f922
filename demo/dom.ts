// SPDX-License-Identifier: MIT
//
// The little that this page needs of a framework. Text goes in as text nodes, never as HTML.

type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;
export type Child = Node | string | false | undefined;

/** An element with attributes (`true` sets an empty one, `false` and undefined none) and children. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    made.setAttribute(name, value === true ? '' : String(value));
  }
  for (const child of children) if (child) made.append(child);
  return made;
}

/** A button that does something. */
export function button(
  attributes: Attributes,
  act: () => void,
  ...children: Child[]
): HTMLButtonElement {
  const made = element('button', { type: 'button', ...attributes }, ...children);
  made.addEventListener('click', act);
  return made;
}

const svgNamespace = 'http://www.w3.org/2000/svg';

/** One of the symbols in index.html. Decoration: whatever carries it has a label of its own. */
export function icon(name: string): SVGSVGElement {
  const svg = document.createElementNS(svgNamespace, 'svg');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS(svgNamespace, 'use');
  use.setAttribute('href', `#icon-${name}`);
  svg.append(use);
  return svg;
}

/** The element of index.html with this id, of this kind. */
export function byId<T extends Element>(id: string, kind: abstract new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof kind))
    throw new Error(`index.html has no ${kind.name} with the id "${id}"`);
  return found;
}

/** Opens a modal dialog whose [data-close] buttons close it; `submit` says whether it may close. */
export function dialog(id: string, submit: () => boolean): { open: () => void } {
  const box = byId(id, HTMLDialogElement);
  box.addEventListener('submit', (event) => {
    event.preventDefault();
    if (submit()) box.close();
  });
  box.addEventListener('click', (event) => {
    const onBackdrop = event.target === box;
    const onClose = event.target instanceof Element && event.target.closest('[data-close]');
    if (onBackdrop || onClose) box.close();
  });
  return {
    open: () => {
      box.showModal();
    },
  };
}

/** Makes the elements of `list` those of `wanted`, in order, moving no more of them than needed (focus stays). */
export function arrange(list: Element, wanted: readonly Element[]): void {
  const keep = new Set(wanted);
  for (const child of [...list.children]) if (!keep.has(child)) child.remove();
  wanted.forEach((child, index) => {
    const there = list.children[index];
    if (there !== child) list.insertBefore(child, there ?? null);
  });
}
