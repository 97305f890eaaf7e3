// A sound to see: waveform and log-frequency spectrogram with axes, the player's playhead; a click plays from there.

const MAGMA = ["#000004", "#180f3d", "#440f76", "#721f81", "#9e2f7f", "#cd4071", "#f1605d", "#fd9668", "#feca8d", "#fcfdbf"];
const LEFT = 46, RIGHT = 8, WAVE = 56, GAP = 8, SPECTRUM = 132, BOTTOM = 30;
const HEIGHT = WAVE + GAP + SPECTRUM + BOTTOM;

export default function (component) {
  const { parentElement, data } = component;
  const picture = (parentElement.picture ??= new Picture(parentElement));
  picture.update(data);
  return () => picture.close();
}

class Picture {
  constructor(root) {
    this.root = root.querySelector(".picture");
    this.canvas = root.querySelector("canvas");
    this.line = root.querySelector(".head");
    this.seen = new ResizeObserver(() => this.draw());
    this.seen.observe(this.root);
    this.follow = this.follow.bind(this);
    this.canvas.onclick = (event) => {
      this.seek(((event.offsetX - LEFT) / (this.canvas.clientWidth - LEFT - RIGHT)) * this.data.seconds);
      if (this.audio) start(this.audio);
    };
    this.canvas.onkeydown = (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step || !this.audio) return;
      event.preventDefault();
      event.stopPropagation();
      this.seek(this.audio.currentTime + (step * this.data.seconds) / 20);
    };
  }

  update(data) {
    this.data = data;
    this.dark = isDark(this.root);
    this.image = this.paint(data.spectrogram);
    this.attach();
    this.draw();
  }

  /** Follow the player of this name, as soon as there is one. */
  attach() {
    const audio = window.bstvizPlayers?.get(this.data.player);
    if (!audio) {
      this.waiting = setTimeout(() => this.attach(), 80);
      return;
    }
    if (audio === this.audio) return;
    this.audio = audio;
    for (const name of ["timeupdate", "seeked", "play", "emptied"]) audio.addEventListener(name, this.follow);
  }

  close() {
    clearTimeout(this.waiting);
    this.seen.disconnect();
    for (const name of ["timeupdate", "seeked", "play", "emptied"]) this.audio?.removeEventListener(name, this.follow);
  }

  seek(seconds) {
    if (this.audio) this.audio.currentTime = Math.min(Math.max(seconds, 0), this.data.seconds);
  }

  follow() {
    const width = this.canvas.clientWidth - LEFT - RIGHT, now = this.audio?.currentTime ?? 0;
    this.line.style.left = `${LEFT + width * Math.min(now / this.data.seconds, 1)}px`;
    this.line.style.height = `${WAVE + GAP + SPECTRUM}px`;
    this.canvas.setAttribute("aria-valuenow", now.toFixed(2));
    this.canvas.setAttribute("aria-valuemax", this.data.seconds.toFixed(2));
    cancelAnimationFrame(this.frame);
    if (this.audio && !this.audio.paused) this.frame = requestAnimationFrame(this.follow);
  }

  /** Levels, one byte per cell, low frequencies first, as a picture. */
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
