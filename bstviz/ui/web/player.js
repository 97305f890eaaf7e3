// A sound to play and to see: the browser's own player over waveform and log-frequency spectrogram, with the playhead. A click
// plays from there, a dragged stretch is repeated, the space bar plays and pauses.

const WHOLE = 2_000_000; // bytes
const LEFT = 46, RIGHT = 8, WAVE = 56, GAP = 8, SPECTRUM = 132, BOTTOM = 30;
const HEIGHT = WAVE + GAP + SPECTRUM + BOTTOM;
const PATIENCE = 500; // milliseconds that a map waits for a sound, at most
const DRAG = 5; // pixels from which a press is no click

export default function (component) {
  const { parentElement, data } = component;
  const player = (parentElement.player ??= new Player(parentElement));
  player.update(data);
  return () => player.close();
}

class Player {
  constructor(root) {
    this.root = root.querySelector(".player");
    this.audio = root.querySelector("audio");
    this.canvas = root.querySelector("canvas");
    this.loop = null; // [from, to] in seconds
    alone(this.audio);
    listen(this, (event) => {
      if (event.key !== " " || event.defaultPrevented || typing(event) || event.composedPath()[0].closest?.("button, a, summary")) return;
      event.preventDefault();
      if (!event.repeat) playOrPause(window.bstvizPlaying ?? this.audio);
    });
    this.follow = this.follow.bind(this);
    for (const name of ["timeupdate", "seeked", "play", "emptied"]) this.audio.addEventListener(name, this.follow);
    this.audio.onended = () => this.loop && this.from(this.loop[0]);
    this.audio.onerror = () => this.refused();
    this.seen = new ResizeObserver(() => this.draw());
    this.seen.observe(this.canvas);
    this.canvas.onpointerdown = (event) => event.button === 0 && this.press(event);
    this.canvas.onkeydown = (event) => this.key(event);
  }

  update(data) {
    const before = this.data;
    this.data = data;
    if (before && before.key !== data.key) this.forget(before.key);
    (window.bstvizPlayers ??= new Map()).set(data.key, this.audio);
    const other = before?.url !== data.url;
    if (other) this.show(data);
    if (other || before.name !== data.name || before.event_id !== data.event_id) this.open(data, other);
    else this.draw(); // the theme may be another
  }

  /** Short files are fetched whole: a browser asks for the end of a file first to learn its length. */
  async open(data, other) {
    this.audio.pause();
    if (other) {
      window.bstvizOpening = new Promise((resolve) => {
        const shown = () => requestAnimationFrame(() => setTimeout(resolve));
        for (const name of ["canplay", "error"]) this.audio.addEventListener(name, shown, { once: true });
        setTimeout(resolve, PATIENCE);
      });
      const blob = data.bytes <= WHOLE ? await load(data.url, "blob").catch(() => null) : null;
      if (this.data.url !== data.url || this.data.name !== data.name) return;
      URL.revokeObjectURL(this.blob);
      this.blob = blob && URL.createObjectURL(blob);
      this.audio.src = this.blob ?? data.url;
    }
    this.root.dataset.sound = data.name;
    this.repeat(null);
    this.audio.currentTime = 0;
    if (data.autoplay) start(this.audio);
  }

  /** What this browser does not play comes as a WAV. */
  refused() {
    if (!this.data || this.audio.src.endsWith(this.data.wav)) return;
    this.audio.src = this.data.wav;
    if (this.data.autoplay) start(this.audio);
  }

  async show(data) {
    this.picture = this.image = null;
    const picture = await load(data.picture, "json").catch(() => null);
    if (this.data.picture !== data.picture) return;
    this.picture = picture;
    if (picture) this.image = paint(picture);
    this.canvas.setAttribute("aria-valuemax", picture?.seconds.toFixed(2) ?? 0);
    this.draw();
  }

  close() {
    this.audio.pause();
    this.seen.disconnect();
    cancelAnimationFrame(this.frame);
    this.forget(this.data.key);
    document.removeEventListener("keydown", this.keys);
  }

  forget(key) {
    if (window.bstvizPlayers.get(key) === this.audio) window.bstvizPlayers.delete(key);
  }

  /** Seconds at a place of the canvas, in pixels from its left. */
  time(x) {
    const share = (x - LEFT) / (this.canvas.clientWidth - LEFT - RIGHT);
    return Math.min(Math.max(share, 0), 1) * this.picture.seconds;
  }

  place(seconds) {
    return LEFT + (this.canvas.clientWidth - LEFT - RIGHT) * Math.min(seconds / this.picture.seconds, 1);
  }

  from(seconds) {
    this.audio.currentTime = Math.min(Math.max(seconds, 0), this.picture.seconds);
    start(this.audio);
  }

  press(down) {
    if (!this.picture) return;
    const left = this.canvas.getBoundingClientRect().left, begin = this.time(down.clientX - left);
    const dragged = (event) => Math.abs(event.clientX - down.clientX) > DRAG;
    this.canvas.setPointerCapture(down.pointerId);
    this.canvas.onpointermove = (event) => dragged(event) && this.repeat([begin, this.time(event.clientX - left)]);
    this.canvas.onpointercancel = this.canvas.onlostpointercapture = () => (this.canvas.onpointermove = null);
    this.canvas.onpointerup = (event) => {
      this.canvas.onpointerup = null;
      if (!dragged(event) && this.loop && (begin < this.loop[0] || begin > this.loop[1])) this.repeat(null);
      this.from(dragged(event) ? this.loop[0] : begin);
    };
  }

  key(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!this.picture || !(step || event.key === " " || (event.key === "Escape" && this.loop))) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key === " ") {
      playOrPause(this.audio);
      return;
    }
    const by = ((step ?? 0) * this.picture.seconds) / 20, now = this.audio.currentTime;
    if (!step) this.repeat(null);
    else if (event.shiftKey) this.repeat(this.loop ? [this.loop[0], this.loop[1] + by] : [now, now + by]);
    else this.audio.currentTime = Math.min(Math.max(now + by, 0), this.picture.seconds);
  }

  /** Repeat a stretch from now on; null: nothing. */
  repeat(stretch) {
    const [a, b] = stretch ?? [0, 0], low = Math.max(Math.min(a, b), 0), high = Math.min(Math.max(a, b), this.picture?.seconds ?? 0);
    this.loop = high - low > 0.01 ? [low, high] : null;
    const status = this.root.querySelector(".status");
    status.replaceChildren();
    if (this.loop) {
      const stop = element("button", "", "do not repeat");
      stop.onclick = () => this.repeat(null);
      status.append(`Repeats ${low.toFixed(2)} to ${high.toFixed(2)} s`, stop);
    }
    this.follow();
  }

  /** Playhead and repeated stretch where they are now, at every frame while the sound plays. */
  follow() {
    cancelAnimationFrame(this.frame);
    const head = this.root.querySelector(".head"), box = this.root.querySelector(".loop"), { audio, loop } = this;
    head.hidden = !this.picture;
    box.hidden = !this.picture || !loop;
    if (!this.picture) return;
    if (loop && !audio.paused && (audio.currentTime >= loop[1] || audio.currentTime < loop[0] - 0.1)) audio.currentTime = loop[0];
    head.style.left = `${this.place(audio.currentTime)}px`;
    if (loop) [box.style.left, box.style.width] = [`${this.place(loop[0])}px`, `${this.place(loop[1]) - this.place(loop[0])}px`];
    this.canvas.setAttribute("aria-valuenow", audio.currentTime.toFixed(2));
    this.canvas.setAttribute("aria-valuetext", `${audio.currentTime.toFixed(1)} seconds`);
    if (!audio.paused) this.frame = requestAnimationFrame(this.follow);
  }

  draw() {
    const wide = this.canvas.clientWidth, ratio = Math.min(devicePixelRatio || 1, 2);
    if (!wide) return;
    [this.canvas.width, this.canvas.height] = [wide * ratio, HEIGHT * ratio];
    const ctx = this.canvas.getContext("2d"), width = wide - LEFT - RIGHT, ink = themed(this.root, "text-color") || "#222";
    this.follow();
    if (!this.picture) return;
    const { seconds, ticks, waveform } = this.picture, top = WAVE + GAP, mid = WAVE / 2;
    ctx.scale(ratio, ratio);
    ctx.font = `11px ${themed(this.root, "font") || "sans-serif"}`;
    ctx.fillStyle = themed(this.root, "primary-color") || "#2f6fde";
    const wave = new Int8Array(bytesOf(waveform).buffer), n = wave.length / 2;
    for (let x = 0; x < width; x++) {
      const i = Math.min(Math.floor((x / width) * n), n - 1), low = wave[2 * i], high = wave[2 * i + 1];
      ctx.fillRect(LEFT + x, mid - (high / 127) * mid, 1, Math.max(((high - low) / 127) * mid, 1));
    }
    ctx.drawImage(this.image, LEFT, top, width, SPECTRUM);
    ctx.fillStyle = ink;
    ctx.textAlign = "right";
    ctx.textBaseline = "middle";
    for (const [text, y] of [["1", 6], ["0", mid], ["−1", WAVE - 6]]) ctx.fillText(text, LEFT - 8, y);
    for (const { text, at } of ticks) {
      const y = top + SPECTRUM * (1 - at);
      ctx.fillText(text, LEFT - 8, Math.min(Math.max(y, top + 6), top + SPECTRUM - 5));
      ctx.fillRect(LEFT - 5, y, 5, 1);
    }
    ctx.textBaseline = "top";
    const step = [0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300].find((s) => seconds / s <= width / 55) ?? 600;
    const digits = step < 0.1 ? 2 : step < 1 ? 1 : 0;
    for (let t = 0; t <= seconds + 1e-9; t += step) {
      const x = LEFT + (width * t) / seconds, last = t + step > seconds;
      ctx.fillRect(x, top + SPECTRUM, 1, 4);
      ctx.textAlign = x > wide - 24 ? "right" : "center";
      ctx.fillText(t.toFixed(digits) + (last ? " s" : ""), Math.min(x, wide), top + SPECTRUM + 6);
    }
  }
}

/** Levels, one byte per cell, low frequencies first, as an image. */
function paint({ levels, rows, columns, colors }) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [columns, rows];
  const ctx = canvas.getContext("2d"), image = ctx.createImageData(columns, rows), cells = bytesOf(levels);
  const stops = colors.map((c) => [1, 3, 5].map((i) => parseInt(c.slice(i, i + 2), 16)));
  for (let cell = 0; cell < cells.length; cell++) {
    const t = (cells[cell] / 255) * (stops.length - 1), i = Math.min(Math.floor(t), stops.length - 2);
    const row = Math.floor(cell / columns), out = 4 * ((rows - 1 - row) * columns + (cell % columns));
    for (let k = 0; k < 3; k++) image.data[out + k] = stops[i][k] + (t - i) * (stops[i + 1][k] - stops[i][k]);
    image.data[out + 3] = 255;
  }
  ctx.putImageData(image, 0, 0);
  return canvas;
}
