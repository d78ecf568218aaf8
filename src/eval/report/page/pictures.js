// Samples by name and picture. Pictures are cells of a few sheets; a sheet is unpacked when first needed.

function start_samples(data) {
  const samples = data.samples;
  const pictures = samples.pictures;
  const urls = [];

  function sheet_url(sheet) {
    if (!urls[sheet]) {
      const bytes = Uint8Array.from(atob(pictures.sheets[sheet]), (c) => c.charCodeAt(0));
      urls[sheet] = URL.createObjectURL(new Blob([bytes], { type: "image/png" }));
    }
    return urls[sheet];
  }

  const api = {
    count: samples.classes.length,
    pictured: pictures.count,
    ink: pictures.ink,
    class_of: (i) => samples.classes[i],
    class_name: (i) => (samples.classes[i] >= 0 ? data.class_names[samples.classes[i]] : ""),
    name: (i) => samples.names[i] || "",
    has_picture: (i) => i < pictures.count,
    /** What a sample is called where there is room for one line. */
    title: (i) => api.class_name(i) || api.name(i) || "sample " + i,

    /** The sample's picture, `size` pixels on its longer side; a blank with its number if it has none. */
    picture(i, size, label) {
      const text = label || api.title(i);
      if (!api.has_picture(i)) {
        return element("span", { class: "picture none", role: "img", "aria-label": text, style: `width:${size}px;height:${size}px` });
      }
      const scale = size / Math.max(pictures.width, pictures.height);
      const width = pictures.width * scale;
      const height = pictures.height * scale;
      const sheet = Math.floor(i / pictures.per_sheet);
      const cell = i % pictures.per_sheet;
      const cells = Math.min(pictures.per_sheet, pictures.count - sheet * pictures.per_sheet);
      const columns = Math.min(pictures.columns, cells);
      const rows = Math.ceil(cells / pictures.columns);
      // The frame is outside: what inverts the picture leaves it alone.
      return element("span", { class: "picture", role: "img", "aria-label": text, title: text },
        element("span", {
          class: "cell" + (pictures.ink ? " ink" : ""),
          style: `width:${width}px;height:${height}px;background-image:url(${sheet_url(sheet)});` +
            `background-size:${columns * width}px ${rows * height}px;` +
            `background-position:${-(cell % pictures.columns) * width}px ${-Math.floor(cell / pictures.columns) * height}px`,
        }));
    },

    /** Picture, class and name: what hovering shows. */
    card(i) {
      const name = api.name(i);
      const of_class = api.class_name(i);
      return element("div", { class: "card" }, api.pictured > 0 ? api.picture(i, 96) : null,
        element("p", {}, element("b", {}, of_class || api.title(i)),
          name && name !== of_class ? element("span", { class: "path" }, name) : null));
    },
  };
  return api;
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
