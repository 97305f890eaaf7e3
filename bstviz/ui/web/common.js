// Shared by the components: the theme's colours, bytes on the wire, keys that nobody is typing into.

function themed(element, name) {
  return getComputedStyle(element).getPropertyValue(`--st-${name}`).trim();
}

function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

const fetched = new Map(); // url -> promise; a media address names its content

function load(url, kind) {
  if (!fetched.has(url)) {
    const answer = fetch(url).then((response) => {
      if (!response.ok) throw new Error(`${url}: ${response.status}`);
      return response[kind]();
    });
    answer.catch(() => fetched.delete(url));
    fetched.set(url, answer);
    if (fetched.size > 24) fetched.delete(fetched.keys().next().value);
  }
  return fetched.get(url);
}

/** Whether a key press belongs to a field or a widget that uses keys itself. */
function typing(event) {
  const target = event.composedPath()[0];
  if (!(target instanceof Element)) return false;
  const taken = 'input, textarea, select, audio, [contenteditable], [role="radio"], [role="slider"], [role="combobox"], [role="option"], [role="grid"]';
  return event.ctrlKey || event.metaKey || event.altKey || target.closest(taken) !== null;
}

/** One key listener per component: the last call's, gone with the component. */
function listen(state, handler) {
  document.removeEventListener("keydown", state.keys);
  state.keys = handler;
  document.addEventListener("keydown", handler);
}

function element(tag, className, text) {
  const out = document.createElement(tag);
  if (className) out.className = className;
  if (text !== undefined) out.textContent = text;
  return out;
}

/** Play a sound; browsers hold it back until the first click on a page. */
function start(audio) {
  audio.play().catch(() => {});
}

/** Play what is paused, pause what plays. */
function playOrPause(audio) {
  if (audio.paused) start(audio);
  else audio.pause();
}

/** Only one sound at a time: whoever starts stops the other. Every start and stop is announced to the document. */
function alone(audio) {
  audio.addEventListener("play", () => {
    if (window.bstvizPlaying !== audio) window.bstvizPlaying?.pause();
    window.bstvizPlaying = audio;
  });
  for (const name of ["play", "pause"]) audio.addEventListener(name, () => document.dispatchEvent(new Event(`bstviz${name}`)));
}
