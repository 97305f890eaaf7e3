// One or two panes of the same sounds, drawn on plain canvases (so that they draw without a GPU too), zoomed together.
//
// The server sends addresses of arrays, packed flags of what passes the filters and what is selected, and the coordinates of
// single sounds; it is sent clicks, outlines, steps and views. Indices are positions among the drawn points.

const ICONS = {
  pan: '<path d="M12 3v18M3 12h18M12 3l-2.5 2.5M12 3l2.5 2.5M12 21l-2.5-2.5M12 21l2.5-2.5M3 12l2.5-2.5M3 12l2.5 2.5M21 12l-2.5-2.5M21 12l-2.5 2.5"/>',
  turn: '<path d="M20 12a8 8 0 1 1-2.3-5.6M20 3v4h-4"/>',
  box: '<rect x="4" y="5" width="16" height="14" stroke-dasharray="3 2.4"/>',
  lasso: '<path d="M7 17c-3-1-4-3-4-5.500C3 7 7 4 12 4s9 3 9 7-4 7-9 7c-2 0-4-.5-5-1zm0 0c0 2 1 3 3 3" stroke-dasharray="3.500 2"/>',
  fit: '<path d="M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5"/>',
  save: '<path d="M12 4v11m0 0l-4-4m4 4l4-4M5 20h14"/>',
  play: '<path d="M8 5l11 7-11 7z" fill="currentColor"/>',
};
const TOOLS = { pan: "Move the map: drag; zoom with the wheel", turn: "Turn the map: drag", box: "Select a box", lasso: "Select with a lasso (or hold Shift)", fit: "Show the whole map (0)", save: "Save as a picture" };
const NONE = 65535;
const CROWD = 1500; // selected points from which on their outlines would hide their colours
const NEAR = 12; // pixels around a click within which a point is meant

const icon = (name) => `<svg viewBox="0 0 24 24" aria-hidden="true">${ICONS[name]}</svg>`;

export default function (component) {
  const { parentElement, data, setTriggerValue } = component;
  const app = (parentElement.app ??= new MapApp(parentElement));
  app.send = setTriggerValue;
  app.update(data);
  return () => app.close();
}

class MapApp {
  constructor(root) {
    this.root = root.querySelector(".map");
    this.panesRoot = root.querySelector(".panes");
    this.panes = [];
    this.tool = null;
    this.morph = 0;
    this.sprites = new Map();
    this.seen = new ResizeObserver(() => this.resize());
    this.seen.observe(this.panesRoot);
    const morph = root.querySelector(".morph");
    this.slider = morph.querySelector("input");
    this.slider.oninput = () => this.morphTo(this.slider.value / 100);
    morph.querySelector(".play").innerHTML = icon("play");
    morph.querySelector(".play").onclick = () => this.playMorph();
    this.root.map = this; // what tests and scripts ask: locate(index), chosen()
  }

  close() {
    this.call = (this.call ?? 0) + 1; // what is still on its way comes too late
    this.seen.disconnect();
    document.removeEventListener("keydown", this.keys);
    cancelAnimationFrame(this.frame);
    clearTimeout(this.writing);
  }

  async update(data) {
    const call = (this.call = (this.call ?? 0) + 1);
    let buffers;
    try {
      const urls = [data.points, data.labels, ...data.panes.map((p) => p.colors)];
      buffers = await Promise.all(urls.map((url) => load(url, "arrayBuffer")));
    } catch {
      if (call === this.call && !this.data) this.say("The map could not be loaded; reload the page.");
      return;
    }
    if (call !== this.call) return; // a newer answer is on its way
    const [points, labels, ...colors] = buffers;
    const n = data.n, count = data.panes.length;
    const coordinates = Array.from({ length: count }, (_, p) => new Float32Array(points, 4 * p * n * data.dims, n * data.dims));
    const fresh = !this.data || this.data.points !== data.points;
    const moved = fresh && this.data && this.data.token === data.token && this.data.view_key !== data.view_key;
    if (moved) this.startTween(data);
    this.data = data;
    this.labels = new Uint16Array(labels);
    this.shown = bitsOf(data.shown, n);
    this.selected = bitsOf(data.selected, n);
    this.chosenCount = data.chosen;
    this.dark = isDark(this.root);
    if (this.panes.length !== count) this.build(count);
    if (this.viewKey !== data.view_key) this.restoreView();
    this.panes.forEach((pane, p) => {
      pane.coordinates = coordinates[p];
      pane.colors = new Uint16Array(colors[p]);
      pane.ringed = bitsOf(data.panes[p].ringed, n);
      this.label(pane, data.panes[p]);
    });
    this.palette(data.palette);
    this.arrange();
    this.legend();
    this.tools();
    this.say(data.note);
    this.morphBar();
    listen(this, (event) => this.key(event));
    this.resize();
    if (this.fromAddress) this.keepView(); // tells the server what is in view
    else this.writeAddress();
    this.fromAddress = false;
  }

  say(text) {
    this.root.querySelector(".note").textContent = text ?? "";
  }

  // ---- panes -----------------------------------------------------------------------------------------------------

  build(count) {
    this.panesRoot.replaceChildren();
    this.panes = Array.from({ length: count }, (_, number) => {
      const box = element("div", "pane");
      const canvas = element("canvas");
      canvas.tabIndex = 0;
      const pane = { number, box, canvas, ctx: canvas.getContext("2d"), tip: element("div", "tip") };
      pane.tip.hidden = true;
      for (const part of ["name", "x", "y", "z"]) pane[part] = element("div", part === "z" ? "x z" : part);
      box.append(canvas, pane.name, pane.x, pane.y, pane.z, pane.tip);
      this.panesRoot.append(box);
      this.pointer(pane);
      return pane;
    });
    this.toolbar = element("div", "tools");
    this.toolbar.setAttribute("role", "toolbar");
    this.panes[count - 1].box.append(this.toolbar);
  }

  label(pane, info) {
    pane.name.textContent = info.title;
    [pane.x.textContent, pane.y.textContent, pane.z.textContent] = [info.axes[0], info.axes[1], info.axes[2] ? `depth: ${info.axes[2]}` : ""];
    for (const part of ["x", "y", "z"]) pane[part].hidden = !pane[part].textContent || this.turned();
    pane.canvas.setAttribute("aria-label", `${info.title || "Map"}: ${this.data.n} sounds. Arrow keys step through the selection, 0 shows everything.`);
  }

  turned() {
    return this.data.dims === 3 && this.basis && this.basis.some((v, i) => Math.abs(v - [1, 0, 0, 0, 1, 0][i]) > 1e-6);
  }

  tools() {
    const wanted = [...(this.data.dims === 3 ? ["turn"] : []), "pan", ...(this.data.selectable ? ["box", "lasso"] : []), "fit", "save"];
    if (!wanted.includes(this.tool)) this.tool = wanted[0];
    if (this.toolbar.dataset.tools !== wanted.join()) {
      this.toolbar.dataset.tools = wanted.join();
      this.toolbar.replaceChildren(...wanted.map((name) => {
        const button = element("button");
        button.type = "button";
        button.innerHTML = icon(name);
        button.title = TOOLS[name];
        button.setAttribute("aria-label", TOOLS[name]);
        button.dataset.tool = name;
        button.onclick = () => (name === "fit" ? this.fit() : name === "save" ? this.save() : this.use(name));
        return button;
      }));
    }
    this.use(this.tool);
  }

  use(name) {
    this.tool = name;
    for (const button of this.toolbar.children) {
      if (["pan", "turn", "box", "lasso"].includes(button.dataset.tool)) button.setAttribute("aria-pressed", button.dataset.tool === name);
    }
    for (const pane of this.panes) pane.box.className = `pane ${name}`;
  }

  resize() {
    if (!this.data) return;
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    for (const pane of this.panes) {
      const width = Math.round(pane.box.clientWidth * ratio), height = Math.round(this.data.height * ratio);
      if (pane.canvas.width !== width || pane.canvas.height !== height) {
        pane.canvas.width = width;
        pane.canvas.height = height;
        pane.canvas.style.height = `${this.data.height}px`;
      }
    }
    if (this.ratio !== ratio) this.sprites.clear();
    this.ratio = ratio;
    this.bounds();
    this.redraw();
  }

  // ---- view: a basis (two rows) that flattens coordinates, a centre and a zoom over the fitted scale ---------------------

  restoreView() {
    const sent = this.viewKey ? null : this.viewInAddress(); // a link's view is that of the first map shown
    this.viewKey = this.data.view_key;
    const kept = sent ?? JSON.parse(sessionStorage.getItem(`bstviz.view.${this.viewKey}`) ?? "null");
    this.fromAddress = sent !== null;
    this.basis = kept?.basis ?? (this.data.dims === 3 ? [1, 0, 0, 0, 1, 0] : [1, 0, 0, 1]);
    this.centre = kept?.centre ?? null;
    this.zoom = kept?.zoom ?? 1;
  }

  /** The view that the address holds, if it is one of a map like this. */
  viewInAddress() {
    const text = this.data.address ? new URL(location).searchParams.get("view") : null;
    const [zoom, x, y, ...basis] = (text ?? "").split(",").map(Number);
    const { dims } = this.data;
    if (![zoom, x, y, ...basis].every(Number.isFinite) || y === undefined || basis.length !== 2 * dims || zoom < 0.5 || zoom > 4000) return null;
    return { basis, centre: [x, y], zoom };
  }

  /** Keep the view in the address too, so that it is sent with it; the server leaves it there. */
  writeAddress() {
    if (!this.data.address) return;
    const url = new URL(location), plain = this.centre === null && !this.turned();
    const short = (v) => Number(v.toPrecision(6));
    if (plain) url.searchParams.delete("view");
    else url.searchParams.set("view", [this.zoom, ...(this.centre ?? this.middle), ...this.basis].map(short).join());
    if (url.href !== location.href) history.replaceState(history.state, "", url);
  }

  keepView() {
    clearTimeout(this.writing);
    this.writing = setTimeout(() => this.writeAddress(), 250);
    sessionStorage.setItem(`bstviz.view.${this.viewKey}`, JSON.stringify({ basis: this.basis, centre: this.centre, zoom: this.zoom }));
    if (!this.data.detail) return;
    clearTimeout(this.telling);
    this.telling = setTimeout(() => {
      const { width, height } = this.panes[0].canvas;
      const [cx, cy] = this.centre ?? this.middle, s = this.scale();
      const box = { left: cx - width / 2 / s, right: cx + width / 2 / s, bottom: cy - height / 2 / s, top: cy + height / 2 / s };
      this.send("view", this.zoom > 1.05 ? box : null);
    }, 350);
  }

  bounds() {
    const whole = this.data.bounds; // of all sounds, drawn or not: [low, high] by dimension
    const dims = this.data.dims, corners = [];
    for (let c = 0; c < 1 << dims; c++) corners.push(this.flat(Array.from({ length: dims }, (_, d) => whole[d][(c >> d) & 1])));
    const xs = corners.map((c) => c[0]), ys = corners.map((c) => c[1]);
    const [left, right, low, high] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
    this.middle = [(left + right) / 2, (low + high) / 2];
    const canvas = this.panes[0].canvas;
    if (dims === 3) {
      const reach = Math.hypot(...whole.map(([a, b]) => b - a)) || 1;
      this.fitted = (1.15 * Math.min(canvas.width, canvas.height)) / reach;
    } else {
      this.fitted = Math.min((0.86 * canvas.width) / (right - left || 1), (0.88 * canvas.height) / (high - low || 1));
    }
  }

  scale() {
    return this.fitted * this.zoom;
  }

  flat(p) {
    const b = this.basis, d = this.data.dims;
    let u = 0, v = 0;
    for (let i = 0; i < d; i++) {
      u += b[i] * p[i];
      v += b[d + i] * p[i];
    }
    return [u, v];
  }

  /** Pixels of a place (as the server sends them: one per pane). */
  pixel(pane, coordinates) {
    const [u, v] = this.flat(this.blend(pane, coordinates));
    const [cx, cy] = this.centre ?? this.middle, s = this.scale();
    return [(u - cx) * s + pane.canvas.width / 2, pane.canvas.height / 2 - (v - cy) * s];
  }

  /** The place in this pane; in the left one moved towards the right one's by the morph. */
  blend(pane, coordinates) {
    const own = coordinates[pane.number] ?? coordinates[0];
    if (pane.number || !this.morph || coordinates.length < 2) return own;
    return own.map((v, i) => v + this.morph * (coordinates[1][i] - v));
  }

  unproject(pane, x, y) {
    const [cx, cy] = this.centre ?? this.middle, s = this.scale();
    return [(x - pane.canvas.width / 2) / s + cx, (pane.canvas.height / 2 - y) / s + cy];
  }

  fit() {
    this.centre = null;
    this.zoom = 1;
    if (this.data.dims === 3) this.basis = [1, 0, 0, 0, 1, 0];
    this.panes.forEach((pane, p) => this.label(pane, this.data.panes[p]));
    this.bounds();
    this.keepView();
    this.redraw();
  }

  // ---- drawing ---------------------------------------------------------------------------------------------------

  palette(colors) {
    const key = `${colors.join()}|${this.dark}|${this.data.n}`;
    if (key !== this.paletteKey) this.sprites.clear();
    this.paletteKey = key;
  }

  radius() {
    const n = this.data.n;
    const base = n < 500 ? 5 : n < 2500 ? 4 : n < 12000 ? 3 : 2.4;
    return base * Math.min(2, Math.max(1, this.zoom ** 0.35));
  }

  sprite(color, kind) {
    const r = Math.round(this.radius() * this.ratio * 2) / 2, key = `${color}|${kind}|${r}`;
    if (this.sprites.has(key)) return this.sprites.get(key);
    const big = kind >= 2 ? r + 0.8 * this.ratio : r, edge = (kind >= 2 ? 1.2 : 0.7) * this.ratio;
    const side = Math.ceil(2 * (big + edge)) + 2;
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = side;
    const ctx = canvas.getContext("2d");
    const rim = this.dark ? "rgba(255,255,255,.55)" : "rgba(20,23,28,.6)";
    const strong = this.dark ? "#fff" : "#14171c";
    ctx.beginPath();
    if (kind & 1) {
      // wrong: a ring of the colour
      const thick = Math.max(1.6 * this.ratio, big * 0.55);
      ctx.arc(side / 2, side / 2, Math.max(big - thick / 2, 0.5), 0, 7);
      ctx.lineWidth = thick + 2 * edge;
      ctx.strokeStyle = kind >= 2 ? strong : rim;
      ctx.stroke();
      ctx.lineWidth = thick;
      ctx.strokeStyle = color;
      ctx.stroke();
    } else {
      ctx.arc(side / 2, side / 2, big, 0, 7);
      ctx.fillStyle = color;
      ctx.fill();
      ctx.lineWidth = edge;
      ctx.strokeStyle = kind >= 2 ? strong : rim;
      ctx.stroke();
    }
    this.sprites.set(key, canvas);
    return canvas;
  }

  /** Indices in drawing order: filtered out, without a value, plain, selected. */
  arrange() {
    const { n, missing } = this.data, out = [], without = [], plain = [], chosen = [];
    const { colors } = this.panes[0];
    for (let i = 0; i < n; i++) {
      if (this.shown && !this.shown[i]) out.push(i);
      else if (this.selected && this.selected[i]) chosen.push(i);
      else if (colors[i] === missing) without.push(i);
      else plain.push(i);
    }
    this.layers = [this.data.hide ? [] : out, without, plain, chosen].map((list) => Uint32Array.from(list));
    this.root.dataset.drawn = n;
    this.root.dataset.shown = without.length + plain.length + chosen.length;
    this.root.dataset.selected = this.chosenCount;
  }

  redraw() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.draw());
  }

  draw() {
    if (!this.data || !this.panes[0].canvas.width) return;
    const started = performance.now();
    for (const pane of this.panes) this.drawPane(pane);
    this.cost = performance.now() - started;
    this.root.dataset.state = "drawn";
    this.root.dataset.ms = this.cost.toFixed(1);
    if (this.tween) this.redraw();
  }

  project(pane) {
    const { n, dims } = this.data, b = this.basis;
    if (!pane.px || pane.px.length !== n) [pane.px, pane.py] = [new Float32Array(n), new Float32Array(n)];
    const [cx, cy] = this.centre ?? this.middle, s = this.scale(), w = pane.canvas.width / 2, h = pane.canvas.height / 2;
    const from = pane.coordinates, to = this.panes[1]?.coordinates, t = pane.number ? 0 : this.morph;
    let p = from;
    if (t && to) {
      p = pane.mixed ??= new Float32Array(from.length);
      if (p.length !== from.length) p = pane.mixed = new Float32Array(from.length);
      for (let i = 0; i < p.length; i++) p[i] = from[i] + t * (to[i] - from[i]);
    }
    for (let i = 0, j = 0; i < n; i++, j += dims) {
      const z = dims === 3 ? p[j + 2] : 0;
      const u = b[0] * p[j] + b[1] * p[j + 1] + (dims === 3 ? b[2] * z : 0);
      const v = b[dims] * p[j] + b[dims + 1] * p[j + 1] + (dims === 3 ? b[5] * z : 0);
      pane.px[i] = (u - cx) * s + w;
      pane.py[i] = h - (v - cy) * s;
    }
    if (this.tween) this.applyTween(pane);
  }

  drawPane(pane) {
    const { ctx, canvas } = pane, { width, height } = canvas;
    this.project(pane);
    ctx.setTransform(1, 0, 0, 1, 0, 0);
    ctx.clearRect(0, 0, width, height);
    const moving = this.moving && this.cost > 22;
    const step = moving ? Math.ceil(this.cost / 12) : 1;
    const [out, without, plain, chosen] = this.layers, dim = chosen.length || (this.data.chosen ?? 0);
    this.dots(pane, out, 0.1, 0, step);
    this.dots(pane, without, dim ? 0.15 : 0.35, 0, step);
    this.dots(pane, plain, dim ? (this.shown ? 0.4 : 0.22) : 0.88, 0, step); // what passes filters stands out too
    this.dots(pane, chosen, 1, chosen.length > CROWD ? 0 : 2, moving ? Math.min(step, 3) : 1);
    ctx.globalAlpha = 1;
    this.marks(pane);
    if (this.outline && this.outline.pane === pane) this.drawOutline(pane);
  }

  dots(pane, list, alpha, kind, step) {
    const { ctx, px, py, colors } = pane, { width, height } = pane.canvas;
    const { palette } = this.data, cache = [];
    ctx.globalAlpha = alpha;
    for (let k = 0; k < list.length; k += step) {
      const i = list[k], x = px[i], y = py[i];
      if (x < -9 || y < -9 || x > width + 9 || y > height + 9) continue;
      const wrong = pane.ringed?.[i] ?? 0;
      const at = 2 * colors[i] + wrong;
      const dot = (cache[at] ??= this.sprite(palette[colors[i]], kind + wrong));
      const half = dot.width / 2;
      ctx.drawImage(dot, Math.round(x - half), Math.round(y - half));
    }
  }

  marks(pane) {
    const { ctx } = pane, { current, near, fresh } = this.data.marks, r = this.radius() * this.ratio;
    const ring = (coordinates, radius, width, color) => {
      const [x, y] = this.pixel(pane, coordinates);
      ctx.beginPath();
      ctx.arc(x, y, radius, 0, 7);
      ctx.lineWidth = width + 2 * this.ratio;
      ctx.strokeStyle = this.dark ? "#14171c" : "#fff";
      ctx.stroke();
      ctx.lineWidth = width;
      ctx.strokeStyle = color;
      ctx.stroke();
    };
    if (current) {
      const [x, y] = this.pixel(pane, current);
      ctx.lineWidth = 1.2 * this.ratio;
      ctx.globalAlpha = 0.7;
      for (const one of near) {
        const [u, v] = this.pixel(pane, one.coordinates);
        ctx.setLineDash(one.kind === "lost" ? [4 * this.ratio, 4 * this.ratio] : []);
        ctx.strokeStyle = kindColor(one.kind, this.dark);
        ctx.beginPath();
        ctx.moveTo(x, y);
        ctx.lineTo(u, v);
        ctx.stroke();
      }
      ctx.setLineDash([]);
      ctx.globalAlpha = 1;
      for (const one of near) ring(one.coordinates, r + 2.5 * this.ratio, 1.6 * this.ratio, kindColor(one.kind, this.dark));
    }
    if (current) ring(current, r + 5.5 * this.ratio, 2.8 * this.ratio, MARK);
    for (const coordinates of fresh) this.star(pane, coordinates);
  }

  star(pane, coordinates) {
    const { ctx } = pane, [x, y] = this.pixel(pane, coordinates), big = 12 * this.ratio;
    ctx.beginPath();
    for (let k = 0; k < 10; k++) {
      const r = k % 2 ? big * 0.45 : big, a = (Math.PI * k) / 5 - Math.PI / 2;
      ctx.lineTo(x + r * Math.cos(a), y + r * Math.sin(a));
    }
    ctx.closePath();
    ctx.fillStyle = MARK;
    ctx.fill();
    ctx.lineWidth = 1.6 * this.ratio;
    ctx.strokeStyle = this.dark ? "#14171c" : "#fff";
    ctx.stroke();
  }

  drawOutline(pane) {
    const { ctx } = pane, { kind, points } = this.outline;
    ctx.beginPath();
    if (kind === "box") ctx.rect(points[0][0], points[0][1], points[1][0] - points[0][0], points[1][1] - points[0][1]);
    else points.forEach(([x, y]) => ctx.lineTo(x, y));
    ctx.closePath();
    ctx.fillStyle = "rgba(47,111,222,.12)";
    ctx.fill();
    ctx.lineWidth = 1.5 * this.ratio;
    ctx.strokeStyle = this.dark ? "#6ea8ff" : "#2f6fde";
    ctx.stroke();
  }

  // ---- from one projection to the next -----------------------------------------------------------------------------

  startTween(data) {
    if (data.n > 40000 || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    this.tween = { from: this.panes.map((p) => [p.px?.slice(), p.py?.slice()]), start: performance.now() };
    if (this.tween.from.some(([x]) => !x || x.length !== data.n)) this.tween = null;
  }

  applyTween(pane) {
    const t = Math.min((performance.now() - this.tween.start) / 450, 1), e = t * t * (3 - 2 * t);
    const [fx, fy] = this.tween.from[pane.number] ?? [];
    if (fx) {
      for (let i = 0; i < fx.length; i++) {
        pane.px[i] = fx[i] + e * (pane.px[i] - fx[i]);
        pane.py[i] = fy[i] + e * (pane.py[i] - fy[i]);
      }
    }
    if (t >= 1 && pane.number === this.panes.length - 1) this.tween = null;
  }

  // ---- pointer and keys --------------------------------------------------------------------------------------------

  pointer(pane) {
    const canvas = pane.canvas;
    const at = (event) => {
      const box = canvas.getBoundingClientRect();
      return [(event.clientX - box.left) * this.ratio, (event.clientY - box.top) * this.ratio];
    };
    canvas.onpointerdown = (event) => {
      if (event.button) return;
      canvas.setPointerCapture(event.pointerId);
      const kind = event.shiftKey && this.data.selectable ? "lasso" : this.tool;
      this.drag = { pane, kind, start: at(event), last: at(event), moved: false };
      if (kind === "box" || kind === "lasso") this.outline = { pane, kind, points: [at(event), at(event)] };
      pane.tip.hidden = true;
    };
    canvas.onpointermove = (event) => {
      const [x, y] = at(event);
      if (!this.drag) return this.hover(pane, x, y);
      const { start, last, kind } = this.drag;
      if (Math.hypot(x - start[0], y - start[1]) > 4 * this.ratio) this.drag.moved = true;
      if (!this.drag.moved) return;
      this.moving = true;
      const [dx, dy] = [x - last[0], y - last[1]];
      if (kind === "pan") {
        const [cx, cy] = this.centre ?? this.middle, s = this.scale();
        this.centre = [cx - dx / s, cy + dy / s];
      } else if (kind === "turn") this.turn(dx, dy);
      else if (kind === "box") this.outline.points[1] = [x, y];
      else this.outline.points.push([x, y]);
      this.drag.last = [x, y];
      this.redraw();
    };
    canvas.onpointerup = canvas.onpointercancel = (event) => {
      const drag = this.drag, outline = this.outline;
      this.drag = this.outline = null;
      this.moving = false;
      if (!drag) return;
      if (!drag.moved) {
        const found = this.nearest(pane, ...at(event));
        if (found !== null) this.pick(pane, found);
      } else if (outline) this.select(pane, outline, event);
      else this.keepView();
      this.redraw();
    };
    canvas.onpointerleave = () => (pane.tip.hidden = true);
    canvas.ondblclick = () => this.fit();
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoomAt(pane, at(event), Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0016)));
    }, { passive: false });
  }

  zoomAt(pane, [x, y], factor) {
    const zoom = Math.min(Math.max(this.zoom * factor, 0.5), 4000);
    const [u, v] = this.unproject(pane, x, y);
    const [cx, cy] = this.centre ?? this.middle, k = this.zoom / zoom;
    this.centre = [u + (cx - u) * k, v + (cy - v) * k];
    this.zoom = zoom;
    this.moving = true;
    clearTimeout(this.settling);
    this.settling = setTimeout(() => {
      this.moving = false;
      this.redraw();
    }, 160);
    this.keepView();
    this.redraw();
  }

  /** Turn the basis about the screen's axes; the map turns about its middle. */
  turn(dx, dy) {
    const a = dx * 0.008 / this.ratio, c = dy * 0.008 / this.ratio;
    let [x, y] = [this.basis.slice(0, 3), this.basis.slice(3)];
    const cross = (p, q) => [p[1] * q[2] - p[2] * q[1], p[2] * q[0] - p[0] * q[2], p[0] * q[1] - p[1] * q[0]];
    let z = cross(x, y);
    const spin = (p, q, t) => [p.map((v, i) => v * Math.cos(t) + q[i] * Math.sin(t)), q.map((v, i) => v * Math.cos(t) - p[i] * Math.sin(t))];
    [x, z] = spin(x, z, -a);
    [y, z] = spin(y, z, c);
    const norm = (p) => p.map((v) => v / Math.hypot(...p));
    x = norm(x);
    y = norm(y.map((v, i) => v - x[i] * (x[0] * y[0] + x[1] * y[1] + x[2] * y[2])));
    const offset = this.centre ? [this.centre[0] - this.middle[0], this.centre[1] - this.middle[1]] : null;
    this.basis = [...x, ...y];
    this.bounds();
    if (offset) this.centre = [this.middle[0] + offset[0], this.middle[1] + offset[1]];
    this.panes.forEach((pane, p) => this.label(pane, this.data.panes[p]));
  }

  nearest(pane, x, y) {
    let best = (NEAR * this.ratio) ** 2, found = null;
    const skip = this.data.hide && this.shown;
    for (let i = 0; i < this.data.n; i++) {
      if (skip && !this.shown[i]) continue;
      const d = (pane.px[i] - x) ** 2 + (pane.py[i] - y) ** 2;
      if (d < best) [best, found] = [d, i];
    }
    return found;
  }

  hover(pane, x, y) {
    if (!this.data || !pane.px) return;
    const found = this.nearest(pane, x, y);
    pane.box.classList.toggle("over", found !== null && !["box", "lasso"].includes(this.tool));
    pane.tip.hidden = found === null;
    if (found === null) return;
    if (this.data.titles && this.titles?.for !== this.data.titles) {
      const url = this.data.titles;
      load(url, "json").then((list) => (this.titles = { for: url, list }), () => {});
    }
    const { n, names } = this.data, truth = this.labels[found], guess = this.labels[(1 + pane.number) * n + found];
    const title = this.titles?.for === this.data.titles ? this.titles.list[found] : "";
    const lines = [element("b", "", title)];
    lines.push(element("span", "", truth === NONE ? `no class; predicted ${names[guess]}` : truth === guess ? names[truth] : `${names[truth]}, predicted ${names[guess]}`));
    pane.tip.replaceChildren(...lines);
    const px = pane.px[found] / this.ratio, py = pane.py[found] / this.ratio;
    pane.tip.style.left = px > pane.box.clientWidth - 270 ? "auto" : `${px + 12}px`;
    pane.tip.style.right = px > pane.box.clientWidth - 270 ? `${pane.box.clientWidth - px + 12}px` : "auto";
    pane.tip.style.top = `${Math.min(py + 10, this.data.height - 56)}px`;
  }

  pick(pane, index) {
    const dims = this.data.dims;
    const current = this.panes.map((p) => Array.from(p.coordinates.subarray(index * dims, index * dims + dims)));
    this.data.marks = { ...this.data.marks, current, near: [] }; // at once; the server's answer follows
    this.redraw();
    this.send("pick", { index, token: this.data.token });
  }

  select(pane, outline, event) {
    let points = outline.points;
    if (outline.kind === "box") {
      const [[x0, y0], [x1, y1]] = points;
      points = [[x0, y0], [x1, y0], [x1, y1], [x0, y1]];
    }
    const thin = points.length > 200 ? points.filter((_, i) => i % Math.ceil(points.length / 200) === 0) : points;
    const polygon = thin.map(([x, y]) => this.unproject(pane, x, y));
    const mode = event.ctrlKey || event.metaKey ? "add" : event.altKey ? "remove" : "replace";
    this.preview(pane, thin, mode);
    this.send("region", { pane: pane.number, polygon, basis: this.basis, morph: pane.number ? 0 : this.morph, mode });
  }

  /** Bring out the drawn points inside at once; the server's answer, over all sounds, follows. */
  preview(pane, polygon, mode) {
    const path = new Path2D();
    polygon.forEach(([x, y], i) => (i ? path.lineTo(x, y) : path.moveTo(x, y)));
    path.closePath();
    const selected = mode === "replace" || !this.selected ? new Uint8Array(this.data.n) : this.selected.slice();
    const xs = polygon.map((p) => p[0]), ys = polygon.map((p) => p[1]);
    const [x0, x1, y0, y1] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
    const ctx = pane.ctx;
    ctx.setTransform(1, 0, 0, 1, 0, 0);
    for (let i = 0; i < this.data.n; i++) {
      const x = pane.px[i], y = pane.py[i];
      if (x < x0 || x > x1 || y < y0 || y > y1 || (this.shown && !this.shown[i])) continue;
      if (ctx.isPointInPath(path, x, y, "evenodd")) selected[i] = mode === "remove" ? 0 : 1;
    }
    this.selected = selected;
    this.chosenCount = "";
    this.arrange();
  }

  key(event) {
    if (typing(event) || !this.data) return;
    const bindings = {
      ArrowRight: () => this.send("step", 1),
      ArrowLeft: () => this.send("step", -1),
      Escape: () => this.send("clear", true),
      0: () => this.fit(),
      "+": () => this.zoomAt(this.panes[0], [this.panes[0].canvas.width / 2, this.panes[0].canvas.height / 2], 1.4),
      "-": () => this.zoomAt(this.panes[0], [this.panes[0].canvas.width / 2, this.panes[0].canvas.height / 2], 1 / 1.4),
    };
    if (!(event.key in bindings) || !this.data.keys) return;
    event.preventDefault();
    bindings[event.key]();
  }

  // ---- legend, morph, picture --------------------------------------------------------------------------------------

  legend() {
    const { legend } = this.data, root = this.root.querySelector(".legend");
    root.setAttribute("aria-label", legend.title);
    const parts = [element("span", "title", legend.title)];
    if (legend.ramp) {
      const ramp = element("span", "ramp"), bar = element("i");
      bar.style.background = `linear-gradient(90deg, ${legend.ramp.colors.join()})`;
      ramp.append(bar, element("span", "", legend.ramp.low), element("span", "", legend.ramp.high));
      parts.push(ramp);
    }
    for (const entry of legend.entries) {
      const button = element("button", `entry${legend.filtered && !entry.on ? " off" : ""}`);
      button.type = "button";
      button.setAttribute("aria-pressed", entry.on);
      button.title = `Filter: ${entry.label}`;
      const dot = element("i");
      dot.style.background = entry.color;
      const count = element("span", "count", entry.selected === null ? entry.all.toLocaleString() : `${entry.selected.toLocaleString()} / ${entry.all.toLocaleString()}`);
      button.append(dot, element("span", "", entry.label), count);
      button.onclick = () => this.send("toggle", entry.label);
      button.disabled = !legend.filters;
      parts.push(button);
    }
    if (this.data.rings) {
      const shape = element("span", "shape");
      shape.append(element("i"), element("span", "", `ring: ${this.data.rings}`));
      parts.push(shape);
    }
    const kinds = new Set(this.data.marks.near.map((one) => one.kind));
    for (const kind of ["kept", "lost", "gained"].filter((one) => kinds.has(one))) {
      const shape = element("span", "shape"), ring = element("i");
      ring.style.borderColor = kindColor(kind, this.dark);
      shape.append(ring, element("span", "", `neighbour ${kind}`));
      parts.push(shape);
    }
    root.replaceChildren(...parts);
  }

  morphBar() {
    const bar = this.root.querySelector(".morph");
    bar.hidden = !this.data.morph;
    if (!this.data.morph) return;
    bar.querySelector(".from").textContent = this.data.panes[0].title;
    bar.querySelector(".to").textContent = this.data.panes[1].title;
  }

  morphTo(t) {
    this.morph = t;
    this.slider.value = 100 * t;
    this.root.dataset.morph = t.toFixed(2);
    this.redraw();
  }

  playMorph() {
    const target = this.morph > 0.5 ? 0 : 1, from = this.morph, start = performance.now();
    const tick = (now) => {
      const t = Math.min(Math.max((now - start) / 1400, 0), 1), e = t * t * (3 - 2 * t);
      this.morphTo(from + e * (target - from));
      if (t < 1) requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  }

  save() {
    const gap = 10 * this.ratio, canvases = this.panes.map((p) => p.canvas);
    const out = document.createElement("canvas");
    out.width = canvases.reduce((sum, c) => sum + c.width + gap, -gap);
    out.height = canvases[0].height;
    const ctx = out.getContext("2d");
    ctx.fillStyle = themed(this.root, "background-color");
    ctx.fillRect(0, 0, out.width, out.height);
    let x = 0;
    for (const canvas of canvases) {
      ctx.drawImage(canvas, x, 0);
      x += canvas.width + gap;
    }
    const link = element("a");
    link.download = "map.png";
    link.href = out.toDataURL();
    link.click();
  }

  // ---- what tests ask ------------------------------------------------------------------------------------------------

  /** Where a drawn point is on the screen. */
  locate(index, number = 0) {
    const pane = this.panes[number], box = pane.canvas.getBoundingClientRect();
    return { x: box.left + pane.px[index] / this.ratio, y: box.top + pane.py[index] / this.ratio };
  }

  /** Indices of the selected points that are drawn. */
  chosen() {
    return Array.from(this.layers[3]);
  }
}
