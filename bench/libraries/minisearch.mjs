// SPDX-License-Identifier: MIT
//
// MiniSearch with stop words and a stemmer; texts are left to the application.
import MiniSearch from 'minisearch';
import { isStopWord, lineOf, stem } from './english.mjs';

const options = {
  fields: ['text'],
  processTerm(word) {
    const folded = word.toLowerCase();
    return isStopWord(folded) ? null : stem(folded);
  },
};

class Store {
  constructor(index, nextId) {
    this.index = index;
    this.nextId = nextId;
  }

  add(message) {
    const id = this.nextId++;
    this.index.add({ id, text: lineOf(message) });
    return id;
  }

  search(query) {
    return this.index.search(query).slice(0, 10);
  }

  idOf(result) {
    return result.id;
  }

  remove(id) {
    this.index.discard(id);
  }

  save() {
    return JSON.stringify(this.index);
  }

  close() {}
}

export default {
  name: 'minisearch',

  build(messages) {
    const index = new MiniSearch(options);
    index.addAll(messages.map((message, id) => ({ id, text: lineOf(message) })));
    return new Store(index, messages.length);
  },

  load(saved) {
    const index = MiniSearch.loadJSON(saved, options);
    return new Store(index, index.documentCount);
  },

  savedBytes: (saved) => saved.length,
};
