"use strict";
// The state of the page is its address: machine, and what is chosen in each section, so that
// every view has a permanent link.
const {machines, legend, colours, sections} = JSON.parse(document.getElementById("data").textContent);
const dark = matchMedia("(prefers-color-scheme: dark)");
const state = new URLSearchParams(location.hash.slice(1));
const machineOf = () => machines[state.get("machine")] ? state.get("machine") : Object.keys(machines)[0];

function element(tag, attributes, ...children) {
  const made = Object.assign(document.createElement(tag), attributes);
  made.append(...children);
  return made;
}

function save() {
  history.replaceState(null, "", "#" + state);
}

function theme() {
  const [ink, line] = dark.matches ? ["#e6edf3", "#3d444d"] : ["#1b1f24", "#d1d9e0"];
  const text = {labelColor: ink, titleColor: ink};
  return {
    background: null,
    view: {stroke: line},
    axis: {...text, gridColor: line, domainColor: line, tickColor: line},
    legend: text,
    header: text,
    rule: {color: ink},
    text: {color: ink},
  };
}

// A way has its colour everywhere; what is no way takes the others in turn.
function colourScale(values) {
  const domain = [...new Set(values)];
  const rest = colours.others.map(colour => colour === "#000000" && dark.matches ? "#ffffff" : colour);
  let next = 0;
  return {domain, range: domain.map(value => colours.known[value] ?? rest[next++ % rest.length])};
}

// The specification at the width there is, with the scales that depend on the rows.
function fitted(given, rows, available) {
  const spec = structuredClone(given);
  const clamped = (low, value, high) => Math.max(low, Math.min(Math.floor(value), high));
  if (spec.facet) {
    const count = new Set(rows.map(row => row[spec.facet.column.field])).size;
    spec.spec.width = clamped(150, (available - 80) / count - 20, 420);
  } else if (spec.width.step) {
    const count = new Set(rows.map(row => row[spec.encoding.x.field])).size;
    spec.width.step = clamped(44, (available - 140) / count, 64);
  } else {
    spec.width = clamped(260, available - 320, 800);
  }
  const color = spec.encoding?.color;
  if (color && !color.scale) {
    color.scale = colourScale(rows.map(row => row[color.field]));
  }
  if (rows[0].unit) {
    spec.layer[0].encoding.y.title = rows[0].unit;
  }
  const values = rows.map(row => row.value).filter(value => value != null);
  if (values.length && Math.min(...values) <= 0) {
    spec.layer[0].encoding.y.scale = {type: "linear"};
  }
  return spec;
}

// The rows of a section that are chosen. What is not among the values falls back to the first.
function chosenRows(section, tools) {
  let rows = machines[machineOf()].frames[section.frame];
  for (const [name, first] of Object.entries(section.choose)) {
    const values = [...new Set(rows.map(row => String(row[name])))];
    const key = section.id + "." + name;
    const wanted = [state.get(key), first, values[0]].find(value => values.includes(value));
    if (tools && values.length) {
      const select = element("select", {name: key}, ...values.map(value =>
        element("option", {value, selected: value === wanted}, value)));
      select.addEventListener("change", () => {
        state.set(key, select.value);
        save();
        draw(section);
      });
      tools.append(element("label", {}, name + " ", select));
    }
    rows = rows.filter(row => String(row[name]) === wanted);
  }
  return rows;
}

function csv(rows) {
  const names = [...new Set(rows.flatMap(Object.keys))];
  const quoted = value => value == null ? "" : /[",\n]/.test(value) ? `"${String(value).replaceAll('"', '""')}"` : value;
  return [names, ...rows.map(row => names.map(name => row[name]))].map(line => line.map(quoted).join(",")).join("\n") + "\n";
}

function download(name, type, text) {
  const address = URL.createObjectURL(new Blob([text], {type}));
  element("a", {href: address, download: name}).click();
  URL.revokeObjectURL(address);
}

async function draw(section) {
  const place = document.getElementById(section.id);
  const [tools, chart, detail, commit] = ["tools", "chart", "detail", "commit"].map(name => place.querySelector("." + name));
  tools.replaceChildren();
  detail.hidden = true;
  const rows = chosenRows(section, tools);
  const commits = [...new Set(rows.map(row => row.commit).filter(Boolean))];
  const {noise} = machines[machineOf()];
  const unsure = rows.filter(row => row.unsure).length;
  commit.textContent = [
    commits.length ? "Commit " + commits.join(", ") + "." : "",
    noise,
    unsure ? `${legend} (${unsure} of ${rows.length} figures).` : "",
  ].join(" ");
  if (!rows.length) {
    const having = Object.keys(machines).filter(name => machines[name].frames[section.frame].length);
    const before = "Not recorded on this machine" + (having.length ? "; it is on " : "");
    chart.firstChild.replaceChildren(before, ...having.map((name, k) => {
      const link = new URLSearchParams({machine: name, at: section.id});
      return element("span", {}, k ? ", " : "", element("a", {href: "#" + link}, machines[name].title));
    }), ".");
    return;
  }
  const spec = {...fitted(section.spec, rows, chart.clientWidth), data: {values: rows}, config: theme()};
  const options = {actions: false, renderer: "svg", tooltip: {theme: dark.matches ? "dark" : "light"}};
  const {view} = await vegaEmbed(chart.firstChild, spec, options);
  view.addEventListener("click", (event, item) => {
    detail.textContent = item?.datum?.detail ?? "";
    detail.hidden = !detail.textContent;
  });
  const link = new URLSearchParams(state);
  link.set("machine", machineOf());
  link.set("at", section.id);
  tools.append(
    element("button", {onclick: () => download(section.id + ".csv", "text/csv", csv(rows))}, "CSV"),
    element("button", {onclick: async () => download(section.id + ".svg", "image/svg+xml", await view.toSVG())}, "SVG"),
    element("a", {href: "#" + link, className: "permanent"}, "link"),
  );
}

function drawAll() {
  const {facts, noisy, failures} = machines[machineOf()];
  document.getElementById("facts").textContent = facts;
  document.getElementById("noisy").hidden = !noisy;
  document.getElementById("noisy").textContent = noisy;
  document.getElementById("failed").hidden = !failures.length;
  document.getElementById("failures").replaceChildren(...failures.map(text => element("li", {}, text)));
  return Promise.all(sections.map(draw));
}

const picker = document.getElementById("machine");
for (const name of Object.keys(machines)) {
  picker.append(element("option", {value: name, selected: name === machineOf()}, machines[name].title));
}
picker.addEventListener("change", () => {
  state.set("machine", picker.value);
  save();
  drawAll();
});
for (const {id, title, note} of sections) {
  document.getElementById("contents").append(element("a", {href: "#at=" + id}, title));
  document.getElementById("sections").append(element("section", {id},
    element("h2", {}, title), element("p", {className: "note"}, note),
    element("div", {className: "tools"}), element("div", {className: "chart"}, element("div")),
    element("pre", {className: "detail", hidden: true}),
    element("p", {className: "commit"})));
}
// A link that was followed: take over what it chooses, and go where it points.
async function follow() {
  for (const [key, value] of new URLSearchParams(location.hash.slice(1))) {
    state.set(key, value);
  }
  picker.value = machineOf();
  await drawAll();
  document.getElementById(state.get("at"))?.scrollIntoView();
  document.body.dataset.ready = "yes";
}
addEventListener("hashchange", follow);
dark.addEventListener("change", drawAll);
let width = innerWidth;
addEventListener("resize", () => {
  if (innerWidth !== width) drawAll();
  width = innerWidth;
});
follow();
