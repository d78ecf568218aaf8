// Elements, numbers as text, and the colours of the theme: what every part of the page uses.

/** element("p", {class: "note", onclick: f}, "text", otherElement, ...) */
function element(name, attributes, ...children) {
  return fill(document.createElement(name), attributes, children);
}

function drawn(name, attributes, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

function fill(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value === false || value === null || value === undefined) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

const kOfOneRun = ["map", "pairs", "classes", "retrieval"];

/** A section of the page with its heading, listed in the contents. */
function section(id, title, lead) {
  const node = element("section", { id, "aria-labelledby": id + "-title" },
    element("h2", { id: id + "-title" }, title, section.of && kOfOneRun.includes(id) ? element("small", {}, " of " + section.of) : null), lead ? element("p", { class: "lead" }, lead) : null);
  document.getElementById("main").append(node);
  document.getElementById("contents").append(element("a", { href: "#" + id }, title));
  return node;
}

/** A labelled group of buttons of which one is pressed. */
function choice(label, options, initial, onchange) {
  const buttons = options.map(([value, text]) => element("button", {
    type: "button", "aria-pressed": String(value === initial),
    onclick: () => {
      buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(options[i][0] === value)));
      onchange(value);
    },
  }, text));
  return element("div", { class: "choice", role: "group", "aria-label": label }, ...buttons);
}

/** A name that may break after its folders, and between words joined by "_". */
function name_text(name) {
  return name.split(/(?<=[/_])/).flatMap((part, i) => (i > 0 ? [element("wbr"), part] : [part]));
}

function count(value) {
  return Math.round(value).toLocaleString("en-GB");
}

function plural(value, one, many) {
  return count(value) + " " + (value === 1 ? one : many || one + "s");
}

/** A metric in [0, 1] with four decimals; others with four significant digits. */
function metric(value) {
  if (value === null || !isFinite(value)) return "–";
  return Math.abs(value) <= 1 ? value.toFixed(4) : short(value);
}

function percent(value) {
  return (100 * value).toFixed(value === 1 || value === 0 ? 0 : 1) + " %";
}

/** A small share, with as many digits as it takes to tell it from none. */
function small_percent(value) {
  if (value === 0 || value >= 0.001) return percent(value);
  return Number((100 * value).toPrecision(2)) + " %";
}

/** A score with three decimals. */
function score_text(value) {
  return value.toFixed(3).replace("-", "−");
}

/** A text for the clipboard, and a word that it was taken. */
function copy_button(text, label) {
  const button = element("button", {
    type: "button",
    onclick: async () => {
      try {
        await navigator.clipboard.writeText(text);
        button.textContent = "Copied";
      } catch (error) {
        button.textContent = "Select the text and copy it";  // pages from disk may not be let
      }
      setTimeout(() => (button.textContent = label), 2000);
    },
  }, label);
  return button;
}

/** Rows of values as a file of commas. */
function csv_button(label, name, rows) {
  const cell = (value) => {
    const text = value === null || value === undefined ? "" : String(value);
    return /[",\n\r]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
  };
  return element("button", {
    type: "button", class: "csv",
    onclick: () => {
      const text = rows().map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
      const url = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
      const link = element("a", { href: url, download: name });
      document.body.append(link);
      link.click();
      link.remove();
      setTimeout(() => URL.revokeObjectURL(url), 60000);
    },
  }, label);
}

/** Colours that neighbouring numbers do not share. */
function class_color(number, dark) {
  if (number < 0) return theme_color("--muted");
  const hue = (number * 137.508 + 205) % 360;
  return dark ? `hsl(${hue.toFixed(1)} 62% 66%)` : `hsl(${hue.toFixed(1)} 62% 40%)`;
}

function is_dark() {
  return getComputedStyle(document.documentElement).colorScheme === "dark";
}

/** A few significant digits, for axes and readings. */
function short(value) {
  if (value === null || !isFinite(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e5 || size < 1e-4) return value.toExponential(1).replace("e+", "e").replace(".0e", "e");
  return String(Number(value.toPrecision(4)));
}

function debounce(action, milliseconds) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(action, milliseconds);
  };
}

function theme_color(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** Calls `action` whenever the colours change. */
const theme_listeners = [];
function on_theme(action) {
  theme_listeners.push(action);
}

function start_theme_switch() {
  const button = document.getElementById("theme");
  const names = { auto: "automatic", light: "light", dark: "dark" };
  const order = ["auto", "light", "dark"];
  let stored = "auto";
  try {
    stored = localStorage.getItem("kindred-theme") || "auto";
  } catch (error) {
    // Pages from disk may have no storage: the choice then lasts as long as the page.
  }
  const show = (name) => {
    if (name === "auto") document.documentElement.removeAttribute("data-theme");
    else document.documentElement.setAttribute("data-theme", name);
    button.dataset.theme = name;
    button.textContent = "Theme: " + names[name];
    theme_listeners.forEach((action) => action());
  };
  button.addEventListener("click", () => {
    const next = order[(order.indexOf(button.dataset.theme) + 1) % order.length];
    try {
      localStorage.setItem("kindred-theme", next);
    } catch (error) {
      // As above.
    }
    show(next);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => show(button.dataset.theme));
  show(names[stored] ? stored : "auto");
}
