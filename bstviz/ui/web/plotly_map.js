// A Plotly figure that the server made, shown by plotly.js; what somebody does on it goes back as events.
//
// The figure comes as JSON with addresses of its long arrays. It is drawn by Plotly.react, which redraws what has changed
// (arrays are compared by identity, so one that is sent again is the same object); the view and the tool are kept here.

const ARRAYS = { f4: Float32Array, f8: Float64Array, i1: Int8Array, u1: Uint8Array, i2: Int16Array, u2: Uint16Array, i4: Int32Array, u4: Uint32Array };
const SOUNDS = "sounds"; // the part of a pane that holds the sounds
const MORPHED = 1200; // sounds that are drawn while a morph moves
const OUTLINE = 200; // corners of an outline that are sent

export default function (component) {
  const { parentElement, data, setTriggerValue } = component;
  const root = parentElement.querySelector(".plotly-map");
  const map = (root.map ??= new PlotlyMap(root));
  map.send = setTriggerValue;
  map.update(data);
  return () => map.close();
}

/** What draws WebGL here, from the names of its context: a graphics card, the processor, or nothing. */
function rendererOf(gl) {
  if (!gl) return "none";
  const names = gl.getExtension("WEBGL_debug_renderer_info"), name = names ? gl.getParameter(names.UNMASKED_RENDERER_WEBGL) : "";
  return /swiftshader|llvmpipe|softpipe|software|basic render/i.test(name) ? "software" : "gpu";
}

/** A view from an address, if it is one of a map of so many dimensions: two ranges, or a camera's eye and centre. */
function readView(text, dims) {
  const numbers = (text ?? "").split(",").map(Number);
  if (numbers.length !== (dims === 3 ? 6 : 4) || !numbers.every(Number.isFinite)) return null;
  if (dims === 2) return numbers[0] < numbers[1] && numbers[2] < numbers[3] ? { x: numbers.slice(0, 2), y: numbers.slice(2) } : null;
  const [eye, center] = [numbers.slice(0, 3), numbers.slice(3)].map(([x, y, z]) => ({ x, y, z }));
  return { camera: { eye, center, up: { x: 0, y: 0, z: 1 } } };
}

/** A view as an address holds it. */
function writeView(view) {
  const numbers = view.camera ? [view.camera.eye, view.camera.center ?? { x: 0, y: 0, z: 0 }].flatMap(({ x, y, z }) => [x, y, z]) : [...view.x, ...view.y];
  return numbers.map((v) => Number(v.toPrecision(7))).join();
}

/** The outline of a region in its pane's coordinates, from Plotly's event. */
function outlineOf({ lassoPoints, range }) {
  const axes = lassoPoints ?? range, pane = "x2" in axes ? 1 : 0;
  const [x, y] = pane ? [axes.x2, axes.y2] : [axes.x, axes.y];
  if (range && !lassoPoints) return { pane, polygon: [[x[0], y[0]], [x[1], y[0]], [x[1], y[1]], [x[0], y[1]]] };
  const step = Math.ceil(x.length / OUTLINE);
  return { pane, polygon: Array.from(x, (v, i) => [v, y[i]]).filter((_, i) => i % step === 0) };
}

/** Numbers on their way from one array to another; where there is no other, or another one long, they stay. */
function blended(from, to, t) {
  return to && to.length === from.length ? from.map((v, i) => v + t * (to[i] - v)) : from;
}

/** Every so many of the values of a trace's arrays. */
function thinned(value, n, step) {
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return value.length === n ? value.filter((_, i) => i % step === 0) : value;
  return value && typeof value === "object" ? Object.fromEntries(Object.entries(value).map(([k, v]) => [k, thinned(v, n, step)])) : value;
}

class PlotlyMap {
  constructor(root) {
    this.root = root;
    this.graph = root.querySelector(".graph");
    [this.arrays, this.reads] = [new Map(), []]; // by address; what is fetched after the map
    this.morph = this.calls = 0;
    this.tool = { 2: "pan", 3: "turntable" };
    this.seen = new ResizeObserver(() => this.drawn && this.draw());
    this.seen.observe(this.graph);
    [this.note, this.slider] = [".note", ".morph input"].map((name) => root.querySelector(name));
    this.slider.oninput = () => this.morphTo(this.slider.value / 100);
    root.querySelector(".morph .play").onclick = () => this.playMorph();
    this.graph.addEventListener("mousedown", (event) => this.press(event), { capture: true });
  }

  close() {
    this.calls += 1; // what is still on its way comes too late
    this.seen.disconnect();
    for (const timer of [this.settling, this.telling]) clearTimeout(timer);
    document.removeEventListener("keydown", this.keys);
    if (this.drawn) window.Plotly.purge(this.graph);
    this.drawn = false;
  }

  async update(data) {
    const call = (this.calls += 1);
    this.renderer ??= rendererOf(document.createElement("canvas").getContext("webgl"));
    if (this.renderer === "none" && data.webgl) return this.send("renderer", "none");
    if (data.asks) this.send("renderer", this.renderer);
    let figure;
    try {
      [figure] = await Promise.all([this.filled(data.figure), plotly(data.plotly)]);
    } catch {
      this.note.textContent = this.drawn ? "" : "The map could not be loaded; reload the page.";
      return;
    }
    if (call !== this.calls) return; // a newer answer is on its way
    const text = JSON.stringify(data.figure) + data.turn + data.token + data.map;
    Object.assign(this, { data, figure, dims: figure.layout.scene ? 3 : 2 });
    if (this.viewKey !== data.map) this.restoreView();
    this.note.textContent = data.note;
    const [bar, names] = [this.root.querySelector(".morph"), data.morph ?? ["", ""]];
    bar.hidden = !data.morph;
    ["from", "to"].forEach((end, i) => (bar.querySelector(`.${end}`).innerHTML = names[i])); // escaped by the server
    listen(this, (event) => this.key(event));
    const comes = data.origin && data.origin !== this.came; // from another map: the way is gone once
    if (comes) Object.assign(this, { came: data.origin, morph: 1 });
    if (this.text !== text) await this.draw();
    this.text = text;
    if (comes) this.playMorph();
    for (const read of this.reads.splice(0)) read();
  }

  /** A figure with its arrays in place of their addresses. */
  async filled(spec) {
    const kept = new Map();
    const fill = async (value) => {
      if (Array.isArray(value)) return Promise.all(value.map(fill));
      if (!value || typeof value !== "object") return value;
      if (value.bdata && !value.shape) return new ARRAYS[value.dtype](Uint8Array.from(atob(value.bdata), (c) => c.charCodeAt(0)).buffer);
      if (!value.url) return Object.fromEntries(await Promise.all(Object.entries(value).map(async ([k, v]) => [k, await fill(v)])));
      const array = this.arrays.get(value.url) ?? (value.later ? this.awaited(value) : await this.fetched(value));
      kept.set(value.url, array);
      return array;
    };
    const figure = await fill(spec);
    this.arrays = kept;
    return figure;
  }

  async fetched({ url, dtype, words, shape }) {
    const array = new ARRAYS[dtype](await load(url, "arrayBuffer")), width = Number(shape?.split(",")[1]);
    if (width) return Array.from({ length: array.length / width }, (_, row) => array.subarray(row * width, (row + 1) * width));
    return words ? Array.from(array, (code) => words[code]) : array;
  }

  /** Hover texts come after the map, into the array that Plotly already holds. */
  awaited({ url, later }) {
    const array = Array.from({ length: later }, () => "");
    this.reads.push(() => load(url, "json").then((list) => list.forEach((text, i) => (array[i] = text)), () => {}));
    return array;
  }

  async draw() {
    if (!this.root.isConnected) return;
    if (this.drawing || this.held) return (this.again = true);
    this.drawing = true;
    do {
      await window.bstvizOpening; // the sound first: until the map is drawn nothing else is done
      this.again = this.held || !this.root.isConnected;
      if (this.again) break;
      const { token, counts, map } = this.data;
      await window.Plotly.react(this.graph, this.traces(), this.layout(), this.config());
      // The processor would draw every point anew at each move of a region; the server says what is in it. All maps share the module.
      if (this.renderer === "software") for (const { _module } of this.graph._fullData) _module.selectPoints = null;
      if (!this.drawn) this.listen();
      Object.assign(this, { token, map, drawn: true });
      Object.assign(this.root.dataset, counts, { state: "drawn", dims: this.dims });
    } while (this.again && !this.held);
    for (const button of this.graph.querySelectorAll(".modebar-btn")) button.setAttribute("aria-label", button.dataset.title);
    return (this.drawing = false);
  }

  traces() {
    let traces = this.figure.data;
    if (this.moving) {
      const n = traces[0].x.length, step = Math.ceil(n / MORPHED);
      traces = traces.map((trace) => (trace.meta?.part === SOUNDS ? thinned(trace, n, step) : trace));
    }
    if (this.morph) {
      traces = traces.map((trace) => {
        const { pane, part } = trace.meta ?? {};
        if (pane !== 0) return trace;
        if (trace.type === "contour") return { ...trace, visible: false };
        const goal = trace.meta.origin ?? traces.find((other) => other.meta?.pane === 1 && other.meta.part === part);
        return Object.assign({ ...trace }, ...["x", "y", "z"].filter((axis) => trace[axis]).map((axis) => ({ [axis]: blended(trace[axis], goal?.[axis], this.morph) })));
      });
    }
    return traces.map((trace) => ({ ...trace })); // Plotly writes the points of a region into them
  }

  layout() {
    const layout = { ...this.figure.layout, width: this.graph.clientWidth, selections: [], dragmode: this.tool[this.dims] };
    layout.font = { ...layout.font, family: themed(this.root, "font") };
    layout.legend = { ...layout.legend, itemclick: this.data.toggles ? "toggle" : false };
    for (const name of Object.keys(layout)) {
      if (name.startsWith("scene")) layout[name] = { ...layout[name], dragmode: this.tool[3], ...(this.view?.camera ? { camera: this.view.camera } : {}) };
      const axis = /^([xy])axis/.exec(name)?.[1];
      if (axis) layout[name] = { ...layout[name], range: [...(this.view?.[axis] ?? layout[name].range)], autorange: false };
    }
    if (this.morph) layout.annotations = layout.annotations.filter((note) => note.xref !== "x");
    return layout;
  }

  config() {
    const { Icons, downloadImage } = window.Plotly;
    const own = [
      { name: "fit", title: "Show the whole map (0)", icon: Icons.home, click: () => this.look(null) },
      { name: "png", title: "Save as PNG", icon: Icons.camera, click: (graph) => downloadImage(graph, { format: "png", scale: 2, filename: "map" }) },
      { name: "svg", title: "Save as SVG", icon: Icons.disk, click: (graph) => downloadImage(graph, { format: "svg", filename: "map" }) },
    ];
    const tools = this.dims === 3 ? ["tableRotation", "pan3d", "zoom3d"] : ["pan2d", ...(this.data.selectable ? ["select2d", "lasso2d"] : []), "zoomIn2d", "zoomOut2d"];
    return { scrollZoom: true, displaylogo: false, displayModeBar: true, doubleClick: false, modeBarButtons: [[...tools, ...own]] };
  }

  restoreView() {
    const sent = this.viewKey || !this.data.address ? null : readView(new URL(location).searchParams.get("view"), this.dims);
    this.viewKey = this.data.map;
    this.view = sent ?? JSON.parse(sessionStorage.getItem(`bstviz.view.${this.viewKey}`) ?? "null");
    this.keepView();
  }

  look(view) {
    this.view = view;
    this.keepView();
    this.draw();
  }

  /** Keep the view for this map, and in the address, so that it is sent with it; tell the server what is in it. */
  keepView() {
    sessionStorage.setItem(`bstviz.view.${this.viewKey}`, JSON.stringify(this.view));
    if (this.data.address) {
      const url = new URL(location);
      if (this.view) url.searchParams.set("view", writeView(this.view));
      else url.searchParams.delete("view");
      if (url.href !== location.href) history.replaceState(history.state, "", url);
    }
    clearTimeout(this.telling);
    if (!this.data.detail) return;
    this.telling = setTimeout(() => {
      const { x, y } = this.view ?? {};
      this.send("view", { map: this.viewKey, view: x ? { left: x[0], right: x[1], bottom: y[0], top: y[1] } : null });
    }, 350);
  }

  /** After somebody moved the map or took a tool. */
  moved(change) {
    const { layout } = this.graph, names = Object.keys(change);
    if (names.some((name) => /dragmode/.test(name))) this.tool[this.dims] = this.dims === 3 ? (layout.scene.dragmode ?? layout.dragmode) : layout.dragmode;
    const turned = names.find((name) => /^scene\d?\.camera/.test(name));
    if (turned) {
      this.view = { camera: layout[turned.split(".")[0]].camera };
      if (layout.scene2) this.draw(); // the other pane turns too
      this.keepView();
    } else if (names.some((name) => /^[xy]axis\d?\.range/.test(name))) {
      this.view = { x: [...layout.xaxis.range], y: [...layout.yaxis.range] };
      this.keepView();
    }
  }

  zoom(factor) {
    const { layout } = this.graph;
    const closer = ([a, b]) => [(a + b) / 2 - ((b - a) / 2) * factor, (a + b) / 2 + ((b - a) / 2) * factor];
    if (this.dims === 2) return this.look({ x: closer(layout.xaxis.range), y: closer(layout.yaxis.range) });
    const { eye, ...rest } = layout.scene.camera;
    return this.look({ camera: { ...rest, eye: { x: eye.x * factor, y: eye.y * factor, z: eye.z * factor } } });
  }

  listen() {
    this.graph.on("plotly_click", ({ points: [point] }) => {
      if (point?.data.meta?.part === SOUNDS && !this.moving) this.send("pick", { index: point.pointNumber, token: this.token });
    });
    this.graph.on("plotly_selected", (event) => {
      if (!event?.range && !event?.lassoPoints) return;
      const { pane, polygon } = outlineOf(event);
      this.send("region", { pane, polygon, morph: pane ? 0 : this.morph, mode: this.mode, map: this.map });
    });
    this.graph.on("plotly_legendclick", ({ data, curveNumber }) => {
      const label = data[curveNumber].meta?.label;
      if (label !== undefined && this.data.toggles) this.send("toggle", label);
      return false;
    });
    this.graph.on("plotly_legenddoubleclick", () => false);
    this.graph.on("plotly_doubleclick", () => this.look(null));
    this.graph.on("plotly_relayout", (change) => this.moved(change));
  }

  /** Ctrl and Alt say what a region does with the selection, Shift draws a lasso with any tool: Plotly is told neither. */
  press(event) {
    const inside = event.target instanceof Element && event.target.closest(".draglayer");
    if (event.button || !event.isTrusted) return;
    this.held = true; // drawing anew would end what is being dragged; a region is sent some 100 ms after the mouse is up
    clearTimeout(this.releasing); // of the press before
    const release = () => Object.assign(this, { held: false }).again && this.draw();
    window.addEventListener("mouseup", () => (this.releasing = setTimeout(release, 250)), { once: true });
    if (!inside || !this.data?.selectable) return;
    this.mode = event.ctrlKey || event.metaKey ? "add" : event.altKey ? "remove" : "replace";
    const region = ["lasso", "select"].includes(this.tool[2]);
    if (!event.shiftKey && (!region || this.mode === "replace")) return;
    event.stopImmediatePropagation();
    event.preventDefault();
    const take = (dragmode) => window.Plotly.relayout(this.graph, { dragmode }), tool = this.tool[2];
    if (!region) {
      take("lasso");
      window.addEventListener("mouseup", () => setTimeout(() => take(tool)), { once: true });
    }
    const { clientX, clientY, screenX, screenY, detail } = event;
    event.target.dispatchEvent(new MouseEvent("mousedown", { bubbles: true, cancelable: true, view: window, buttons: 1, clientX, clientY, screenX, screenY, detail }));
  }

  key(event) {
    if (typing(event) || !this.data?.keys) return;
    const bindings = {
      ArrowRight: () => this.send("step", 1),
      ArrowLeft: () => this.send("step", -1),
      Escape: () => this.send("clear", true),
      0: () => this.look(null),
      "+": () => this.zoom(1 / 1.4),
      "-": () => this.zoom(1.4),
    };
    if (!(event.key in bindings)) return;
    event.preventDefault();
    bindings[event.key]();
  }

  /** A sample moves; all settle once it rests. */
  morphTo(t) {
    Object.assign(this, { morph: t, moving: true });
    this.slider.value = 100 * t;
    this.draw();
    clearTimeout(this.settling);
    this.settling = setTimeout(async () => {
      this.moving = false;
      await this.draw();
      this.root.dataset.morph = this.morph.toFixed(2);
    }, 250);
  }

  playMorph() {
    const from = this.morph, target = from > 0.5 ? 0 : 1, start = performance.now();
    const tick = (now) => {
      const t = Math.min(Math.max((now - start) / 1400, 0), 1), eased = t * t * (3 - 2 * t);
      this.morphTo(from + eased * (target - from));
      if (t < 1) requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  }
}

/** plotly.js, once for all maps of the browser's window. */
function plotly(address) {
  window.bstvizPlotly ??= new Promise((resolve, reject) => {
    const script = element("script");
    Object.assign(script, { src: address, onload: resolve, onerror: reject });
    document.head.append(script);
  });
  window.bstvizPlotly.catch(() => (window.bstvizPlotly = undefined));
  return window.bstvizPlotly;
}
