// Small bar charts that filter each other: a click lets a category through, the counts of all the others follow.

export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".facets");
  const scrolled = new Map([...root.querySelectorAll(".bars")].map((bars) => [bars.dataset.name, bars.scrollTop]));
  const held = parentElement.activeElement?.dataset?.id;
  root.replaceChildren(...data.facets.map((facet) => {
    const box = element("div", "facet"), head = element("div", "head"), bars = element("div", "bars");
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", facet.label);
    head.title = facet.help;
    head.append(element("span", "", facet.label));
    const filtered = facet.bars.some((bar) => bar.on);
    if (filtered) {
      const reset = element("button", "reset", "show all");
      reset.type = "button";
      reset.onclick = () => setTriggerValue("toggle", { column: facet.name, label: null });
      head.append(reset);
    }
    bars.dataset.name = facet.name;
    const most = Math.max(...facet.bars.map((bar) => bar.all), 1);
    for (const bar of facet.bars) {
      const row = element("button", `bar${filtered && !bar.on ? " off" : ""}${bar.now ? "" : " empty"}`);
      row.type = "button";
      row.dataset.id = `${facet.name}|${bar.label}`;
      row.setAttribute("aria-pressed", bar.on);
      row.title = `${bar.label}: ${bar.now.toLocaleString()} of ${bar.all.toLocaleString()}`;
      const all = element("i", "all"), now = element("i", "now");
      all.style.width = `${(100 * bar.all) / most}%`;
      now.style.width = `${(100 * bar.now) / most}%`;
      now.style.backgroundColor = bar.color;
      row.append(all, now, element("span", "label", bar.label), element("span", "count", bar.now.toLocaleString()));
      row.onclick = () => setTriggerValue("toggle", { column: facet.name, label: bar.label });
      bars.append(row);
    }
    box.append(head, bars);
    return box;
  }));
  for (const bars of root.querySelectorAll(".bars")) bars.scrollTop = scrolled.get(bars.dataset.name) ?? 0;
  if (held) [...root.querySelectorAll(".bar")].find((bar) => bar.dataset.id === held)?.focus({ preventScroll: true });
}
