// SPDX-License-Identifier: MIT
//
// SQLite FTS5 as WebAssembly, in memory: Porter stems, stop words left out of the query. It keeps the texts.
import sqlite3InitModule from '@sqlite.org/sqlite-wasm';
import { isStopWord, lineOf, wordsOf } from './english.mjs';

let loading;
const sqlite = () => (loading ??= sqlite3InitModule());

class Store {
  constructor(api, database) {
    this.api = api;
    this.database = database;
    this.inserting = database.prepare('INSERT INTO message (text) VALUES (?)');
    this.deleting = database.prepare('DELETE FROM message WHERE rowid = ?');
    this.selecting = database.prepare(
      'SELECT rowid, text FROM message WHERE message MATCH ? ORDER BY rank LIMIT 10',
    );
  }

  add(message) {
    this.inserting.bind([lineOf(message)]).stepReset();
    return Number(this.api.capi.sqlite3_last_insert_rowid(this.database));
  }

  search(query) {
    const words = wordsOf(query).filter((word) => !isStopWord(word));
    const rows = [];
    if (words.length === 0) return rows;
    this.selecting.bind([words.map((word) => `"${word}"`).join(' OR ')]);
    while (this.selecting.step()) rows.push(this.selecting.get([]));
    this.selecting.reset();
    return rows;
  }

  idOf([id]) {
    return id;
  }

  remove(id) {
    this.deleting.bind([id]).stepReset();
  }

  save() {
    return this.api.capi.sqlite3_js_db_export(this.database);
  }

  close() {
    for (const statement of [this.inserting, this.deleting, this.selecting]) statement.finalize();
    this.database.close();
  }
}

export default {
  name: 'sqlite',

  async build(messages) {
    const api = await sqlite();
    const database = new api.oo1.DB(':memory:');
    database.exec("CREATE VIRTUAL TABLE message USING fts5(text, tokenize = 'porter unicode61')");
    const store = new Store(api, database);
    database.transaction(() => {
      for (const message of messages) store.add(message);
    });
    return store;
  },

  async load(saved) {
    const api = await sqlite();
    const { capi, wasm } = api;
    const database = new api.oo1.DB(':memory:');
    const flags = capi.SQLITE_DESERIALIZE_FREEONCLOSE | capi.SQLITE_DESERIALIZE_RESIZEABLE;
    const bytes = wasm.allocFromTypedArray(saved);
    database.checkRc(
      capi.sqlite3_deserialize(database, 'main', bytes, saved.length, saved.length, flags),
    );
    return new Store(api, database);
  },

  savedBytes: (saved) => saved.length,
};
