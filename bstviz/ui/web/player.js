// A sound to hear: the browser's own player, plus the space bar; the picture of the sound finds it by name.

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
      const audio = window.bstvizPlaying ?? this.audio;
      audio.paused ? start(audio) : audio.pause();
    });
  }

  update(data) {
    (window.bstvizPlayers ??= new Map()).set(data.key, this.audio);
    if (this.name !== data.name || this.url !== data.url) {
      if (this.url !== data.url) this.audio.src = data.url;
      [this.name, this.url] = [data.name, data.url];
      this.audio.currentTime = 0;
      if (data.autoplay) start(this.audio);
    }
    this.root.dataset.sound = data.name;
    this.key = data.key;
  }

  close() {
    this.audio.pause();
    if (window.bstvizPlayers?.get(this.key) === this.audio) window.bstvizPlayers.delete(this.key);
    document.removeEventListener("keydown", this.keys);
  }
}
