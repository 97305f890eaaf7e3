// The buttons that decide on a label, and their keys. A press names the sound that was on the screen when it was made, and the
// next one waits until the server has answered and the new sound has been there for a moment: a key pressed twice in haste
// decides nothing that nobody has seen.

const MOMENT = 250; // milliseconds

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
      const act = data.acts.find((a) => a.key === event.key.toLowerCase());
      if (!act || event.repeat || (typing(event) && !(act.chooser && chosen(event, act.chooser)))) return;
      event.preventDefault();
      if (act.chooser && act.off && chosen(event, act.chooser)) this.waits = data.turn; // the server is told of the choice first
      else this.press(act);
    });
    this.render();
    const next = data.acts.find((act) => act.chooser && !act.off);
    if (next && this.waits === data.turn) this.press(next);
    if (next || this.waits !== data.turn) this.waits = null;
  }

  render() {
    const buttons = this.data.acts.map((act) => {
      const button = element("button", act.main ? "main" : "", act.label);
      button.type = "button";
      button.disabled = act.off || this.pressed !== null;
      button.title = act.help;
      button.append(element("kbd", "", act.key.toUpperCase()));
      button.onclick = () => this.press(act);
      return button;
    });
    this.root.replaceChildren(...buttons);
  }

  press(act) {
    if (act.off || this.pressed !== null || performance.now() - this.since < MOMENT) return;
    const { sound, version, seen, turn } = this.data;
    this.pressed = turn;
    this.render();
    this.send("press", { sound, version, seen, act: act.name });
  }
}
