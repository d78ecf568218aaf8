// Samples by name and picture. Pictures are cells of a few sheets; a sheet is unpacked when first needed.

/** The sheets of one size: {has(i), cell(i), image(sheet)}. */
function start_sheets(pictures) {
  const urls = [];
  const images = [];

  function sheet_url(sheet) {
    if (!urls[sheet]) {
      const text = pictures.sheets[sheet];
      const letters = atob(text);
      const bytes = new Uint8Array(letters.length);
      for (let i = 0; i < letters.length; ++i) bytes[i] = letters.charCodeAt(i);
      urls[sheet] = URL.createObjectURL(new Blob([bytes], { type: text.startsWith("/9j/") ? "image/jpeg" : "image/png" }));
    }
    return urls[sheet];
  }

  return {
    width: pictures.width,
    height: pictures.height,
    ink: pictures.ink,
    count: pictures.count,
    url: sheet_url,
    /** Where picture i lies: its sheet, and there its column and row of so many. */
    place(i) {
      const sheet = Math.floor(i / pictures.per_sheet);
      const cell = i % pictures.per_sheet;
      const cells = Math.min(pictures.per_sheet, pictures.count - sheet * pictures.per_sheet);
      return {
        sheet, column: cell % pictures.columns, row: Math.floor(cell / pictures.columns),
        columns: Math.min(pictures.columns, cells), rows: Math.ceil(cells / pictures.columns),
      };
    },
    /** The sheet for a canvas, inverted if so asked; null until it is decoded, when `onready` is called. */
    image(sheet, inverted, onready) {
      if (images[sheet] === undefined) {
        images[sheet] = null;
        const image = new Image();
        image.src = sheet_url(sheet);
        image.decode().then(() => {
          images[sheet] = { image };
          onready();
        });
      }
      const own = images[sheet];
      if (!own || !inverted) return own && own.image;
      if (!own.inverted) {
        own.inverted = element("canvas", { width: own.image.width, height: own.image.height });
        const context = own.inverted.getContext("2d");
        context.filter = "invert(1)";
        context.drawImage(own.image, 0, 0);
      }
      return own.inverted;
    },
  };
}

function start_samples(data) {
  const samples = data.samples;
  const small = start_sheets(samples.pictures);
  const large = start_sheets(samples.large || samples.pictures);

  const api = {
    count: samples.classes.length,
    pictured: small.count,
    ink: small.ink,
    small,
    class_of: (i) => samples.classes[i],
    label_of: (number) => data.class_names[number],
    class_name: (i) => (samples.classes[i] >= 0 ? data.class_names[samples.classes[i]] : ""),
    name: (i) => samples.names[i] || "",
    has_picture: (i) => i < small.count,
    /** What a sample is called where there is room for one line. */
    title: (i) => api.class_name(i) || api.name(i) || "sample " + count(i),

    /** The sample's picture, in a square of `size` pixels, or of CSS's --size; its name where it has none. */
    picture(i, size, label) {
      const text = label || api.title(i);
      const frame = { role: "img", "aria-label": text, title: text, style: size ? `--size:${size}px` : "" };
      if (!api.has_picture(i)) {
        const of_class = samples.classes[i];
        return element("span", { ...frame, class: "picture tile", style: frame.style + ";--hue:" + ((of_class * 137.508 + 205) % 360).toFixed(0) },
          element("span", { "aria-hidden": "true" }, last_part(api.title(i))));
      }
      const sheets = i < large.count && (!size || size > Math.max(small.width, small.height)) ? large : small;
      const at = sheets.place(i);
      const longer = Math.max(sheets.width, sheets.height);
      // The frame is outside: what inverts the picture leaves it alone.
      return element("span", { ...frame, class: "picture" },
        element("span", {
          class: "cell" + (sheets.ink ? " ink" : ""),
          style: `--w:${sheets.width / longer};--h:${sheets.height / longer};--cols:${at.columns};--rows:${at.rows};` +
            `--x:${at.column};--y:${at.row};background-image:url(${sheets.url(at.sheet)})`,
        }));
    },

    /** Picture, class and name: what hovering shows. */
    card(i) {
      const name = api.name(i);
      const of_class = api.class_name(i);
      return element("div", { class: "card" }, api.has_picture(i) ? api.picture(i, 112) : null,
        element("p", {}, element("b", {}, of_class || api.title(i)),
          name && name !== of_class ? element("span", { class: "path" }, name) : null));
    },
  };
  return api;
}

/** Of "Greek/character07" what stands after the folder, with the folder's beginning where that alone says little. */
function last_part(name) {
  return name.length > 28 ? "…" + name.slice(-27) : name;
}

/** The one card that follows the pointer or the focus. */
const hover = {
  show(content, x, y) {
    const node = document.getElementById("hover");
    node.replaceChildren(content);
    node.hidden = false;
    const width = node.offsetWidth;
    const height = node.offsetHeight;
    const room = document.documentElement.clientWidth;
    const left = x + 14 + width > room ? Math.max(4, x - 14 - width) : x + 14;
    const top = y + 14 + height > window.innerHeight ? Math.max(4, y - 14 - height) : y + 14;
    node.style.left = left + "px";
    node.style.top = top + "px";
  },
  hide() {
    document.getElementById("hover").hidden = true;
  },
};
addEventListener("scroll", () => hover.hide(), { passive: true });
