// Randomness that is the same each time: a property test that fails, fails again.

/** SplitMix64 on `seed`, as tests/support/fakes.hpp has it: the same numbers in C++ and here. */
export class Random {
  #state;

  constructor(seed) {
    this.#state = BigInt(seed);
  }

  next() {
    const bits = (value) => BigInt.asUintN(64, value);
    let z = (this.#state = bits(this.#state + 0x9e3779b97f4a7c15n));
    z = bits((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
    z = bits((z ^ (z >> 27n)) * 0x94d049bb133111ebn);
    return z ^ (z >> 31n);
  }

  /** 0 to `bound` - 1. */
  below(bound) {
    return Number(this.next() % BigInt(bound));
  }

  onceIn(times) {
    return this.below(times) === 0;
  }

  pick(values) {
    return values[this.below(values.length)];
  }

  /** Up to `most` values. */
  some(values, most) {
    return Array.from({ length: this.below(most + 1) }, () => this.pick(values));
  }
}
