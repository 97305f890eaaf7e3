// The keys of a page: a button shows them, and so does the key "?".

export default function (component) {
  const { parentElement, data } = component, state = (parentElement.shown ??= {});
  const [button, dialog, list] = [".keys", "dialog", "dl"].map((name) => parentElement.querySelector(name));
  const line = ([keys, what]) => {
    const term = element("dt");
    term.append(...keys.map((key) => element("kbd", "", key)));
    return [term, element("dd", "", what)];
  };
  list.replaceChildren(...data.bindings.flatMap(line));
  const turn = () => (dialog.open ? dialog.close() : dialog.showModal());
  button.onclick = turn;
  listen(state, (event) => event.key === "?" && !typing(event) && turn());
  dialog.onkeydown = (event) => event.key !== "?" && event.stopPropagation(); // no other key does anything behind it
  return () => document.removeEventListener("keydown", state.keys);
}
