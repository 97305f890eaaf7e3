// A sound: audio element, waveform and log-frequency spectrogram with axes, a playhead; click to play from there.

const MAGMA = ["#000004", "#180f3d", "#440f76", "#721f81", "#9e2f7f", "#cd4071", "#f1605d", "#fd9668", "#feca8d", "#fcfdbf"];
const LEFT = 46, RIGHT = 8, WAVE = 56, GAP = 8, SPECTRUM = 132, BOTTOM = 30;
const HEIGHT = WAVE + GAP + SPECTRUM + BOTTOM;

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
    this.picture = root.querySelector(".picture");
    this.line = root.querySelector(".head");
    this.seen = new ResizeObserver(() => this.draw());
    this.seen.observe(this.root);
    this.canvas.onclick = (event) => this.seek(event.offsetX);
    this.canvas.onkeydown = (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      event.stopPropagation();
      this.audio.currentTime = Math.min(Math.max(this.audio.currentTime + (step * this.data.seconds) / 20, 0), this.data.seconds);
    };
    for (const name of ["timeupdate", "seeked", "play"]) this.audio.addEventListener(name, () => this.follow());
    this.audio.addEventListener("canplay", () => (this.root.dataset.ready = this.data.url));
    this.audio.addEventListener("play", () => {
      for (const other of window.bstvizPlaying ?? []) if (other !== this.audio) other.pause();
      window.bstvizPlaying = [this.audio];
    });
    listen(this, (event) => {
      if (event.key !== " " || typing(event) || event.composedPath()[0].closest?.("button, a")) return;
      event.preventDefault();
      const audio = window.bstvizPlaying?.[0] ?? this.audio;
      audio.paused ? audio.play().catch(() => {}) : audio.pause();
    });
  }

  update(data) {
    this.data = data;
    this.dark = isDark(this.root);
    if (this.url !== data.url) {
      this.url = data.url;
      this.audio.src = data.url;
      if (data.autoplay) this.play();
    }
    this.picture.hidden = !data.spectrogram;
    this.image = data.spectrogram ? this.paint(data.spectrogram) : null;
    this.draw();
  }

  play() {
    this.audio.play().catch(() => {}); // browsers hold sound back until the first click on the page
  }

  close() {
    this.audio.pause();
    this.seen.disconnect();
    document.removeEventListener("keydown", this.keys);
  }

  seek(x) {
    const width = this.canvas.clientWidth - LEFT - RIGHT;
    this.audio.currentTime = Math.min(Math.max((x - LEFT) / width, 0), 1) * this.data.seconds;
    this.play();
  }

  follow() {
    const width = this.canvas.clientWidth - LEFT - RIGHT;
    this.line.style.left = `${LEFT + width * Math.min(this.audio.currentTime / this.data.seconds, 1)}px`;
    this.line.style.height = `${WAVE + GAP + SPECTRUM}px`;
    this.canvas.setAttribute("aria-valuenow", this.audio.currentTime.toFixed(2));
    this.canvas.setAttribute("aria-valuemax", this.data.seconds.toFixed(2));
    cancelAnimationFrame(this.frame);
    if (!this.audio.paused) this.frame = requestAnimationFrame(() => this.follow());
  }

  /** Levels, a byte a cell, low frequencies first, as a picture. */
  paint({ levels, rows, columns }) {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [columns, rows];
    const ctx = canvas.getContext("2d"), image = ctx.createImageData(columns, rows), cells = bytesOf(levels);
    const stops = MAGMA.map((c) => [1, 3, 5].map((i) => parseInt(c.slice(i, i + 2), 16)));
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < columns; c++) {
        const t = (cells[r * columns + c] / 255) * (stops.length - 1), i = Math.min(Math.floor(t), stops.length - 2), f = t - i;
        const o = 4 * ((rows - 1 - r) * columns + c);
        for (let k = 0; k < 3; k++) image.data[o + k] = stops[i][k] + f * (stops[i + 1][k] - stops[i][k]);
        image.data[o + 3] = 255;
      }
    }
    ctx.putImageData(image, 0, 0);
    return canvas;
  }

  draw() {
    if (!this.image || !this.root.clientWidth) return;
    const ratio = Math.min(devicePixelRatio || 1, 2), wide = this.root.clientWidth;
    this.canvas.width = wide * ratio;
    this.canvas.height = HEIGHT * ratio;
    this.canvas.style.height = `${HEIGHT}px`;
    const ctx = this.canvas.getContext("2d"), width = wide - LEFT - RIGHT, ink = themed(this.root, "text-color") || "#222";
    ctx.scale(ratio, ratio);
    ctx.font = `11px ${themed(this.root, "font") || "sans-serif"}`;
    ctx.fillStyle = ink;

    const wave = new Int8Array(bytesOf(this.data.waveform).buffer), n = wave.length / 2, mid = WAVE / 2;
    ctx.fillStyle = this.dark ? "#6ea8ff" : "#2f6fde";
    for (let x = 0; x < width; x++) {
      const i = Math.min(Math.floor((x / width) * n), n - 1), low = wave[2 * i], high = wave[2 * i + 1];
      ctx.fillRect(LEFT + x, mid - (high / 127) * mid, 1, Math.max(((high - low) / 127) * mid, 1));
    }
    ctx.fillStyle = ink;
    ctx.textAlign = "right";
    ctx.textBaseline = "middle";
    for (const [text, y] of [["1", 6], ["0", mid], ["−1", WAVE - 6]]) ctx.fillText(text, LEFT - 6, y);

    const top = WAVE + GAP;
    ctx.imageSmoothingEnabled = true;
    ctx.drawImage(this.image, LEFT, top, width, SPECTRUM);
    ctx.strokeStyle = ink;
    ctx.globalAlpha = 0.7;
    for (const { text, at } of this.data.spectrogram.ticks) {
      const y = top + SPECTRUM * (1 - at);
      ctx.fillText(text, LEFT - 8, Math.min(Math.max(y, top + 6), top + SPECTRUM - 5));
      ctx.fillRect(LEFT - 5, y, 5, 1);
    }
    ctx.textAlign = "center";
    ctx.textBaseline = "top";
    const seconds = this.data.seconds, steps = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120];
    const step = steps.find((s) => seconds / s <= width / 55) ?? 120;
    const digits = step < 0.1 ? 2 : step < 1 ? 1 : 0;
    for (let t = 0; t <= seconds + 1e-9; t += step) {
      const x = LEFT + (width * t) / seconds;
      ctx.fillRect(x, top + SPECTRUM, 1, 4);
      const last = t + step > seconds;
      ctx.textAlign = x > wide - 24 ? "right" : "center";
      ctx.fillText(t.toFixed(digits) + (last ? " s" : ""), Math.min(x, wide), top + SPECTRUM + 6);
    }
    ctx.globalAlpha = 1;
    this.follow();
  }
}
