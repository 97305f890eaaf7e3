// The buttons that decide on labels, and their keys. A press names the sounds that were on the screen when it was made, and the
// next one waits until the server has answered and what it shows has been there for a moment: a key pressed twice in haste
// decides nothing that nobody has seen. The annotation confidence is chosen here and goes with the next press.

const MOMENT = 250; // milliseconds
const WRITTEN = 'input:not([type="radio"], [type="checkbox"], [aria-expanded="false"]), textarea, [contenteditable]'; // fields that undo what is typed

export default function (component) {
  const { parentElement, data, setTriggerValue } = component;
  const buttons = (parentElement.decide ??= new Buttons(parentElement));
  buttons.send = setTriggerValue;
  buttons.update(data);
  return () => document.removeEventListener("keydown", buttons.keys);
}

/** Whether a key was pressed where a class has just been chosen: in the closed field of that label, with something in it. */
function chosen(event, label) {
  const field = event.composedPath()[0];
  return field.ariaLabel === label && field.ariaExpanded === "false" && field.value !== "" && !(event.ctrlKey || event.metaKey || event.altKey);
}

/** A key as acts name it: "a", "ctrl+z". */
function named(event) {
  const key = event.key.toLowerCase();
  if (!(event.ctrlKey || event.metaKey)) return key;
  return key === "z" && event.shiftKey ? "ctrl+y" : `ctrl+${key}`;
}

class Buttons {
  constructor(root) {
    this.root = root.querySelector(".decide");
  }

  update(data) {
    if (this.pressed !== data.turn) this.pressed = null;
    if (this.data?.turn !== data.turn) this.since = performance.now();
    this.data = data;
    this.root.dataset.sound = data.sound;
    listen(this, (event) => {
      const act = data.acts.find((a) => a.keys.includes(named(event)));
      const held = named(event).startsWith("ctrl+") ? event.composedPath()[0].matches?.(WRITTEN) : typing(event);
      if (event.repeat || (held && !(act?.chooser && chosen(event, act.chooser)))) return;
      if (act) event.preventDefault();
      if (!act) this.choose("12345".indexOf(event.key) + 1);
      else if (act.chooser && act.off && chosen(event, act.chooser)) this.waits = data.turn; // the server is told of the choice first
      else this.press(act);
    });
    this.render();
    const next = data.acts.find((act) => act.chooser && !act.off);
    if (next && this.waits === data.turn) this.press(next);
    if (next || this.waits !== data.turn) this.waits = null;
  }

  /** Choose an annotation confidence, for all pages of the window; the chosen one again takes it back. */
  choose(confidence) {
    if (!confidence) return;
    window.bstvizConfidence = window.bstvizConfidence === confidence ? null : confidence;
    this.render();
  }

  render() {
    const sure = Object.assign(element("span", "sure", "Annotation confidence"), { role: "group", ariaLabel: "Annotation confidence" });
    for (const level of [1, 2, 3, 4, 5]) {
      const button = this.button(String(level), `Annotation confidence ${level}; key ${level}`, () => this.choose(level));
      button.ariaPressed = String(window.bstvizConfidence === level);
      sure.append(button);
    }
    const buttons = this.data.acts.map((act) => {
      const button = this.button(act.label, act.help, () => this.press(act));
      if (act.main) button.className = "main";
      button.disabled = act.off || this.pressed !== null;
      button.append(element("kbd", "", act.keys[0].replace(/(^|\+)./g, (part) => part.toUpperCase())));
      return button;
    });
    this.root.replaceChildren(sure, ...buttons);
  }

  button(label, title, onclick) {
    return Object.assign(element("button", "", label), { type: "button", title, onclick });
  }

  press(act) {
    if (act.off || this.pressed !== null || performance.now() - this.since < MOMENT) return;
    const { sound, version, seen, turn } = this.data;
    this.pressed = turn;
    this.render();
    this.send("press", { sound, version, seen, act: act.name, confidence: window.bstvizConfidence ?? null });
  }
}
