// SPDX-License-Identifier: MIT
//
// A short message at the bottom of the page, with at most one thing to do about it.

import { button, byId } from './dom.js';

const shownForMs = 7000;
let timer: ReturnType<typeof setTimeout> | undefined;

export function toast(text: string, action?: { label: string; act: () => void }): void {
  const box = byId('toast', HTMLElement);
  const hide = (): void => {
    box.hidden = true;
  };
  box.hidden = false; // first, or it is not read out
  box.replaceChildren(text);
  if (action) {
    const run = (): void => {
      hide();
      action.act();
    };
    box.append(button({ class: 'toast-action', 'data-testid': 'toast-action' }, run, action.label));
  }
  // It stays while somebody is on their way to its button.
  const hideLater = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (box.matches(':hover, :focus-within')) hideLater();
      else hide();
    }, shownForMs);
  };
  hideLater();
}
