// SPDX-License-Identifier: MIT
//
// A chat with a memory you can see: agent-memory-wasm as a product would use it.

import { LocalProvider, type MemoryEvent } from 'agent-memory-wasm';
import type { Agent } from './agent.js';
import { Chat } from './chat.js';
import { byId, dialog, element, icon } from './dom.js';
import { memoriesInWords } from './format.js';
import { MemoryPanel } from './memory-panel.js';
import { keepForOffline } from './offline.js';
import { Settings } from './settings.js';
import { toast } from './toast.js';
import { Transfer } from './transfer.js';
import { Users, type User } from './users.js';

async function start(): Promise<void> {
  // The agent's words are not kept: in this demo it only says again what it was told.
  const provider = await LocalProvider.open({ name: 'agent-memory-demo', roles: ['user'] });
  const users = new Users();
  const panel = new MemoryPanel(provider, users.current, () => {
    transfer.clear();
  });
  const settings = new Settings(showAgent);
  const chat = new Chat({
    provider,
    agent: () => settings.agent,
    strategy: () => panel.strategy,
    onUsed: (memories) => {
      panel.markUsed(memories);
    },
    onReveal: (memoryId) => {
      showView('memories');
      void panel.reveal(memoryId);
    },
  });

  const refresh = async (): Promise<void> => {
    await Promise.all([panel.changed(), showStatus(provider)]);
  };
  const transfer = new Transfer({ provider, user: () => users.current, onDone: refresh });
  provider.subscribe((event) => {
    if (event.type === 'change') refreshSoon(refresh);
    else tell(event);
  });

  const showUser = async (user: User): Promise<void> => {
    transfer.clear();
    byId('avatar', HTMLElement).textContent = Array.from(user.name)[0] ?? '';
    await Promise.all([panel.show(user), chat.show(user), showStatus(provider)]);
  };
  setUpUsers(users, (user) => void showUser(user));
  setUpViews();
  await showUser(users.current);
  document.body.dataset['state'] = 'ready';
  void keepForOffline();
}

function setUpUsers(users: Users, onChange: (user: User) => void): void {
  const select = byId('user-select', HTMLSelectElement);
  const name = byId('user-name', HTMLInputElement);
  const list = (): void => {
    select.replaceChildren(
      ...users.all.map((user) => element('option', { value: user.id }, user.name)),
    );
    select.value = users.current.id;
  };
  select.addEventListener('change', () => {
    onChange(users.select(select.value));
  });
  const adding = dialog('user-dialog', () => {
    if (name.value.trim() === '') return false;
    onChange(users.add(name.value));
    list();
    return true;
  });
  byId('add-user', HTMLButtonElement).addEventListener('click', () => {
    name.value = '';
    adding.open();
  });
  list();
}

/** On a phone, chat and memories take turns; on a wide screen both are there and the buttons are not. */
type View = 'chat' | 'memories';
const views: readonly View[] = ['chat', 'memories'];

function setUpViews(): void {
  for (const view of views)
    byId(`view-${view}`, HTMLButtonElement).addEventListener('click', () => {
      showView(view);
    });
}

function showView(wanted: View): void {
  document.body.dataset['view'] = wanted;
  for (const view of views)
    byId(`view-${view}`, HTMLButtonElement).setAttribute('aria-pressed', String(view === wanted));
}

function showAgent(agent: Agent): void {
  byId('agent-note', HTMLElement).textContent = agent.note;
  byId('privacy', HTMLElement).replaceChildren(
    icon(agent.leavesBrowser ? 'globe' : 'lock'),
    element(
      'span',
      {},
      `${agent.privacy} What you tell is kept; questions and the agent’s words are not.`,
    ),
  );
}

async function showStatus(provider: LocalProvider): Promise<void> {
  const line = byId('status', HTMLElement);
  try {
    const { kind, persistent, memories } = await provider.status();
    const place = kind === 'indexeddb' ? 'in this browser (IndexedDB)' : `in: ${kind}`;
    line.textContent = persistent
      ? `Kept ${place}: ${memoriesInWords(memories)} of all users.`
      : 'Not kept: this browser offers no storage here, so the memories are gone when the page is closed. Export what you need.';
    line.classList.toggle('warning', !persistent);
  } catch (error) {
    line.textContent = `The store does not answer: ${String(error)}`;
    line.classList.add('warning');
  }
}

/** A long import, or another tab at work, tells of many changes: they are shown a few times a second. */
let refreshTimer: ReturnType<typeof setTimeout> | undefined;
function refreshSoon(refresh: () => Promise<void>): void {
  refreshTimer ??= setTimeout(() => {
    refreshTimer = undefined;
    void refresh();
  }, 150);
}

function tell(event: Exclude<MemoryEvent, { type: 'change' }>): void {
  if (event.type === 'error')
    toast(`The memory had a problem (${event.operation}): ${event.error.message}`);
  else if (event.state === 'degraded')
    toast('The store does not answer. What you tell now may not be kept.');
  else if (event.state === 'healed') toast('The store answers again.');
}

function fail(error: unknown): void {
  document.body.dataset['state'] = 'failed';
  byId('failure', HTMLElement).hidden = false;
  byId('failure-text', HTMLElement).textContent =
    error instanceof Error ? error.message : String(error);
  byId('retry', HTMLButtonElement).addEventListener('click', () => {
    location.reload();
  });
}

start().catch(fail);
