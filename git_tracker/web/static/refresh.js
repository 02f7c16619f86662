/**
 * Turns any number of cues into few reads: the first cue reads at once, the following ones at most once per gap, and never two at a time.
 * The gap grows with what a read costs, so a slow store is not asked all the time.
 */
export class Refresh {
  #read;
  #gap;
  #next = 0;
  #timer = 0;
  #running = false;
  #again = false;
  #stopped = false;

  constructor(read, gap = 500) {
    this.#read = read;
    this.#gap = gap;
  }

  cue() {
    if (this.#stopped || this.#timer) return;
    if (this.#running) {
      this.#again = true;
      return;
    }
    const rest = Math.max(0, this.#next - performance.now());
    this.#timer = setTimeout(() => this.now(), document.hidden ? Math.max(rest, 4000) : rest);
  }

  async now() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    if (this.#running) {
      this.#again = true;
      return;
    }
    this.#running = true;
    const began = performance.now();
    try {
      await this.#read();
    } finally {
      this.#running = false;
      const ended = performance.now();
      this.#next = ended + Math.max(this.#gap, 3 * (ended - began));
      if (this.#again) {
        this.#again = false;
        this.cue();
      }
    }
  }

  stop() {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }
}
