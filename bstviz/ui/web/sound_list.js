// A table of sounds, each with a play button for the player below; columns sort; j and k play the next and the previous one.

const FIRST = 60; // rows drawn at once
const PLAYED = ["bstvizplay", "bstvizpause"];
const PLAY = '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M7 4l14 8-14 8z"/></svg>';
const PAUSE = '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M6 4h4v16H6zM14 4h4v16h-4z"/></svg>';

const THUMB = '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M2 10h4v11H2zM8 21V10l5-8c2 0 2.6 1.5 2.2 3L14.5 9H20c1.5 0 2.3 1.2 2 2.5l-2 8c-.3 1-1 1.5-2 1.5z"/></svg>';

export default function (component) {
  const { parentElement, data, setTriggerValue } = component;
  const list = (parentElement.list ??= new SoundList(parentElement));
  list.send = setTriggerValue;
  list.update(data);
  return () => list.close();
}

class SoundList {
  constructor(root) {
    this.root = root.querySelector(".list");
    this.sort = null;
    this.buttons = this.buttons.bind(this);
    for (const name of PLAYED) document.addEventListener(name, this.buttons, true);
    this.root.sounds = this; // what tests ask
  }

  close() {
    for (const name of PLAYED) document.removeEventListener(name, this.buttons, true);
    document.removeEventListener("keydown", this.keys);
  }

  /** The player below, if a sound of this list has been played. */
  get audio() {
    return window.bstvizPlayers?.get(this.data.player);
  }

  update(data) {
    if (this.data?.token !== data.token) this.at = this.sort = null;
    this.data = data;
    this.root.dataset.name = data.name;
    const content = JSON.stringify([data.columns, data.rows, data.signs, data.height]);
    if (content !== this.content) this.render(); // an unchanged list keeps its focus and its order
    this.content = content;
    if (data.keys) listen(this, (event) => this.key(event));
    this.root.querySelector(".hint").hidden = !data.keys;
    if (data.keys) this.root.querySelector(".hint").innerHTML = "<kbd>j</kbd> <kbd>k</kbd> play the next or previous, <kbd>Enter</kbd> go to it, <kbd>Space</kbd> play or pause";
  }

  order() {
    const rows = this.data.rows.map((_, i) => i);
    if (!this.sort) return rows;
    const { column, down } = this.sort;
    const signs = this.data.signs[this.data.columns[column].kind];
    const value = (i) => signs?.[this.data.rows[i][column]].text ?? this.data.rows[i][column];
    return rows.sort((a, b) => {
      const [x, y] = [value(a), value(b)];
      const less = typeof x === "number" && typeof y === "number" ? x - y : String(x).localeCompare(String(y), undefined, { numeric: true });
      return down ? -less : less;
    });
  }

  render() {
    const { columns, rows, height } = this.data;
    this.root.querySelector(".scroll").style.maxHeight = `${height}px`;
    const head = columns.map((column, c) => {
      const cell = element("th", `is-${column.kind}`), button = element("button", "", column.label);
      button.type = "button";
      button.title = column.help ?? "";
      button.onclick = () => {
        this.sort = this.sort?.column === c ? (this.sort.down ? null : { column: c, down: true }) : { column: c, down: false };
        this.render();
      };
      cell.setAttribute("aria-sort", this.sort?.column === c ? (this.sort.down ? "descending" : "ascending") : "none");
      cell.append(button);
      return cell;
    });
    this.root.querySelector("thead tr").replaceChildren(element("th"), ...head);
    this.shownOrder = this.order();
    const body = this.root.querySelector("tbody");
    const some = (from, to) => body.append(...this.shownOrder.slice(from, to).map((i) => this.line(i)));
    body.replaceChildren();
    some(0, FIRST);
    const turn = (this.turn = (this.turn ?? 0) + 1);
    if (rows.length > FIRST) setTimeout(() => turn === this.turn && some(FIRST), 60); // what is out of sight follows
  }

  line(i) {
    const { columns, rows } = this.data, line = element("tr"), first = element("td"), play = element("button", "play");
    play.type = "button";
    play.onclick = (event) => {
      this.play(i);
      if (event.detail) play.blur(); // a mouse's click leaves the keys to the list
    };
    first.append(play);
    line.dataset.index = i;
    line.append(first, ...columns.map((column, c) => this.cell(column, rows[i][c], i)));
    this.button(line);
    return line;
  }

  cell(column, value, i) {
    const cell = element("td", `is-${column.kind}`), stated = this.data.signs[column.kind]?.[value];
    if (column.kind === "number") cell.textContent = value === null ? "–" : value.toFixed(column.digits);
    else if (stated) {
      const { text, color } = stated, named = column.kind === "class", box = element("span", named ? "named" : "overlap"), sign = element("i");
      sign.style[named ? "backgroundColor" : "borderColor"] = color;
      box.append(sign, named ? element("span", "", text) : text);
      cell.append(box);
    } else if (column.kind === "open" && this.data.opens) {
      const open = element("button", "open", value);
      open.type = "button";
      open.title = "Go to this sound";
      open.onclick = () => this.send("open", this.row(i));
      cell.append(open);
    } else if (column.kind === "thumbs") {
      for (const [what, up] of [["More", true], ["Less", false]]) {
        const thumb = element("button", up ? "thumb" : "thumb down");
        thumb.innerHTML = THUMB;
        thumb.type = "button";
        thumb.title = `${what} like this`;
        thumb.setAttribute("aria-label", `${what} like ${this.data.rows[i][0]}`);
        thumb.onclick = () => this.send("thumb", { ...this.row(i), up });
        cell.append(thumb);
      }
    } else cell.textContent = value;
    return cell;
  }

  button(line) {
    const i = Number(line.dataset.index), now = i === this.at, on = now && this.audio?.paused === false, play = line.firstChild.firstChild;
    line.classList.toggle("now", now);
    play.innerHTML = on ? PAUSE : PLAY;
    play.setAttribute("aria-label", `${on ? "Pause" : "Play"} ${this.data.rows[i][0]}`);
  }

  /** Bring the rows that play, or have just played, up to date. */
  buttons() {
    for (const line of this.root.querySelectorAll(`tr.now, tr[data-index="${this.at}"]`)) this.button(line);
  }

  /** A row as the server knows it: one of a list that is no longer shown there does nothing. */
  row(index) {
    return { index, token: this.data.token };
  }

  play(i) {
    if (i === this.at && this.audio) return playOrPause(this.audio);
    this.at = i;
    window.bstvizPlaying?.pause();
    this.buttons();
    this.root.querySelector("tr.now")?.scrollIntoView({ block: "nearest" });
    this.send("play", this.row(i));
  }

  key(event) {
    if (typing(event) || !this.data.rows.length) return;
    const step = { j: 1, k: -1 }[event.key];
    if (step) {
      event.preventDefault();
      const position = this.at === null ? (step > 0 ? -1 : 0) : this.shownOrder.indexOf(this.at);
      this.play(this.shownOrder[(position + step + this.shownOrder.length) % this.shownOrder.length]);
    } else if (event.key === "Enter" && this.at !== null && this.data.opens && !event.composedPath()[0].closest?.("button, a, canvas")) {
      event.preventDefault();
      this.send("open", this.row(this.at));
    }
  }
}
