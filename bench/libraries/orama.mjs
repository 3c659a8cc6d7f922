// SPDX-License-Identifier: MIT
//
// Orama with its stemmer and stop words; it keeps the texts.
import { create, insert, load, remove, save, search } from '@orama/orama';
import { stemmer } from '@orama/stemmers/english';
import { lineOf, stopWords } from './english.mjs';

class Store {
  constructor(database) {
    this.database = database;
  }

  add(message) {
    return insert(this.database, { text: lineOf(message) });
  }

  async search(query) {
    const { hits } = await search(this.database, { term: query, limit: 10 });
    return hits;
  }

  idOf(result) {
    return result.id;
  }

  remove(id) {
    return remove(this.database, id);
  }

  save() {
    return JSON.stringify(save(this.database));
  }

  close() {}
}

const makeDatabase = () =>
  create({
    schema: { text: 'string' },
    components: { tokenizer: { language: 'english', stemming: true, stemmer, stopWords } },
  });

export default {
  name: 'orama',

  async build(messages) {
    const store = new Store(makeDatabase());
    for (const message of messages) await store.add(message);
    return store;
  },

  load(saved) {
    const database = makeDatabase();
    load(database, JSON.parse(saved));
    return new Store(database);
  },

  savedBytes: (saved) => new TextEncoder().encode(saved).length,
};
