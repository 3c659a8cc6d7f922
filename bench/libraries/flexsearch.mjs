// SPDX-License-Identifier: MIT
//
// FlexSearch with its English preset; `suggest` lets a message lack some of the words. It keeps no texts.
import { Charset, Encoder, Index } from 'flexsearch';
import english from 'flexsearch/lang/en';
import { lineOf } from './english.mjs';

class Store {
  constructor(index, nextId) {
    this.index = index;
    this.nextId = nextId;
  }

  add(message) {
    const id = this.nextId++;
    this.index.add(id, lineOf(message));
    return id;
  }

  search(query) {
    return this.index.search(query, { limit: 10, suggest: true });
  }

  idOf(result) {
    return result;
  }

  remove(id) {
    this.index.remove(id);
  }

  async save() {
    const parts = [];
    await this.index.export((key, data) => {
      if (data !== undefined) parts.push([key, data]);
    });
    return parts;
  }

  close() {}
}

const makeIndex = () =>
  new Index({ tokenize: 'strict', encoder: new Encoder(Charset.Normalize, english) });

export default {
  name: 'flexsearch',

  build(messages) {
    const store = new Store(makeIndex(), 0);
    for (const message of messages) store.add(message);
    return store;
  },

  async load(saved) {
    const index = makeIndex();
    for (const [key, data] of saved) await index.import(key, data);
    return new Store(index, index.reg.size);
  },

  savedBytes: (saved) => saved.reduce((sum, [key, data]) => sum + key.length + data.length, 0),
};
