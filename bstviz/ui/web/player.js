// A sound to play: the browser's own player, plus the space bar; the picture of the sound finds it by name.

const WHOLE = 2_000_000; // bytes

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
    alone(this.audio);
    listen(this, (event) => {
      if (event.key !== " " || typing(event) || event.composedPath()[0].closest?.("button, a")) return;
      event.preventDefault();
      playOrPause(window.bstvizPlaying ?? this.audio);
    });
  }

  update(data) {
    (window.bstvizPlayers ??= new Map()).set(data.key, this.audio);
    if (this.name !== data.name || this.url !== data.url) {
      const changed = this.url !== data.url;
      [this.name, this.url] = [data.name, data.url];
      this.open(data, changed);
    }
    this.key = data.key;
  }

  /** Short files are fetched whole: a browser asks for the end of a file first to learn its length. */
  async open(data, changed) {
    this.audio.pause();
    if (changed && data.bytes <= WHOLE) {
      const blob = await load(data.url, "blob").catch(() => null);
      if (this.url !== data.url || this.name !== data.name) return;
      URL.revokeObjectURL(this.blob);
      this.audio.src = this.blob = blob ? URL.createObjectURL(blob) : data.url;
    } else if (changed) this.audio.src = data.url;
    this.root.dataset.sound = data.name;
    this.audio.currentTime = 0;
    if (data.autoplay) start(this.audio);
  }

  close() {
    this.audio.pause();
    if (window.bstvizPlayers?.get(this.key) === this.audio) window.bstvizPlayers.delete(this.key);
    document.removeEventListener("keydown", this.keys);
  }
}
