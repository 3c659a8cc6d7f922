// SPDX-License-Identifier: MIT
//
// Who may talk to the agent: a list of names, kept in localStorage. It is the page's own; the
// memories know only the ids.

export interface User {
  readonly id: string;
  readonly name: string;
}

const listKey = 'agent-memory-demo.users';
const currentKey = 'agent-memory-demo.user';
const starters: readonly User[] = [makeUser('Ada'), makeUser('Ben')];

export class Users {
  private list: User[];
  private selected: User;

  constructor() {
    this.list = [...starters, ...read(listKey).map(makeUser)];
    const id = read(currentKey)[0];
    this.selected = this.list.find((user) => user.id === id) ?? makeUser('Ada');
  }

  get all(): readonly User[] {
    return this.list;
  }

  get current(): User {
    return this.selected;
  }

  select(id: string): User {
    this.selected = this.list.find((user) => user.id === id) ?? this.selected;
    write(currentKey, [this.selected.id]);
    return this.selected;
  }

  /** The same name, written in whatever way, is the same user: here and wherever an export goes. */
  add(name: string): User {
    const user = makeUser(name);
    if (!this.list.some((other) => other.id === user.id)) {
      this.list = [...this.list, user];
      write(
        listKey,
        this.list.slice(starters.length).map((added) => added.name),
      );
    }
    return this.select(user.id);
  }
}

function makeUser(name: string): User {
  const tidy = name.normalize('NFC').trim().replace(/\s+/g, ' ');
  return { id: tidy.toLowerCase(), name: tidy };
}

// localStorage may be forbidden or hold anything; then the list is just not kept.
function read(key: string): string[] {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(key) ?? '[]');
    return Array.isArray(value) ? value.filter((name) => typeof name === 'string') : [];
  } catch {
    return [];
  }
}

function write(key: string, value: readonly string[]): void {
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // See above.
  }
}
