"use strict";
// Ask the server about a picture, show what it finds, add the picture under a name. No library, nothing from
// elsewhere; texts become text nodes only, so a name cannot become markup.

const part = (id) => document.getElementById(id);
let model = { gallery: false };
let asked = null; // the picture that the answer is about

function element(name, attributes, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
}

function say(text, wrong) {
  part("message").textContent = text;
  part("message").className = wrong ? "wrong" : "";
}

/** What the server answers; its own words where it refuses. */
async function ask(method, path, body) {
  const reply = await fetch(path, { method, body });
  let answer;
  try {
    answer = await reply.json();
  } catch (error) {
    answer = {};
  }
  if (!reply.ok) throw new Error(answer.error || `the server answers ${reply.status}`);
  return answer;
}

/** Runs what a person asked for; says what went wrong. */
async function attempt(work) {
  document.documentElement.dataset.busy = "yes";
  try {
    await work();
  } catch (error) {
    say(error.message, true);
  }
  delete document.documentElement.dataset.busy;
}

function form(files, fields) {
  const data = new FormData();
  for (const file of files) data.append("image", file, file.name || "picture");
  for (const [name, value] of Object.entries(fields || {})) data.append(name, value);
  return data;
}

function show(image, file) {
  if (image.src) URL.revokeObjectURL(image.src);
  image.src = URL.createObjectURL(file);
  image.alt = file.name ? `The picture ${file.name}` : "The picture that was taken";
  image.hidden = false;
}

function scoreText(score) {
  return score.toFixed(3);
}

function matchItem(match) {
  const face = match.thumbnail
    ? element("img", { class: "face", src: `/v1/gallery/${match.id}/thumbnail`, alt: "", width: 64, height: 64 })
    : element("span", { class: "face" });
  const who = match.identity || "nobody said who";
  const remove = element("button", { type: "button", class: "remove", onclick: () => removeMatch(match, remove) },
    "Remove");
  remove.setAttribute("aria-label", `Remove this picture of ${who}`);
  return element("li", {}, face,
    element("div", {},
      element("div", { class: "who" }, who),
      element("div", { class: "score" }, scoreText(match.score),
        element("meter", { min: 0, max: 1, value: Math.max(0, match.score), "aria-hidden": "true" })),
      element("div", { class: "path" }, match.path)),
    remove);
}

/** The second press means it. */
function removeMatch(match, button) {
  if (!button.classList.contains("sure")) {
    button.classList.add("sure");
    button.textContent = "Sure?";
    button.setAttribute("aria-label", "Press again to remove this picture from the gallery");
    return;
  }
  attempt(async () => {
    await ask("DELETE", `/v1/gallery/${match.id}`);
    await find(asked);
    say("The picture is removed.");
  });
}

function showVerdict(one) {
  const verdict = part("verdict");
  if (!one || !one.nearest) verdict.textContent = "";
  else if (one.known) verdict.replaceChildren("This is ", element("strong", {}, one.identity), `, score ${scoreText(one.score)}.`);
  else verdict.textContent = `Unknown: nearest is ${one.nearest}, score ${scoreText(one.score)}, below the threshold.`;
}

async function find(file) {
  asked = file;
  const [found, who] = await Promise.all([
    ask("POST", "/v1/find?top=10", form([file])), ask("POST", "/v1/identify", form([file]))]);
  const matches = found.pictures[0].matches;
  part("matches").replaceChildren(...matches.map(matchItem));
  showVerdict(who.pictures[0]);
  part("answer").hidden = false;
  if (matches.length === 0) part("verdict").textContent = "The gallery is empty. Add this picture as its first.";
}

function take(file) {
  if (!file) return;
  stopCamera();
  say("");
  show(part("preview"), file);
  attempt(async () => {
    await find(file);
    part("answer-title").focus({ preventScroll: true });
    part("answer").scrollIntoView({ block: "nearest" });
  });
}

async function enroll(event) {
  event.preventDefault();
  const name = part("name").value.trim();
  if (!name) {
    say("Give a name first.", true);
    part("name").focus();
    return;
  }
  await attempt(async () => {
    const added = (await ask("POST", "/v1/gallery", form([asked], { identity: name }))).pictures[0];
    await find(asked);
    await showGallery();
    part("name").value = "";
    say(added.was_there
      ? `The gallery has this very picture already, as ${added.identity || "nobody"}.`
      : `Added as ${name}.`);
  });
}

async function showGallery() {
  const gallery = await ask("GET", "/v1/gallery?top=1000");
  part("names").replaceChildren(...gallery.identities.map((one) => element("option", { value: one.name })));
  part("about").textContent = `${gallery.pictures} pictures, ${gallery.identity_count} names`;
}

// The camera: a secure place is localhost, or https in front.
let stream = null;

function stopCamera() {
  if (stream) stream.getTracks().forEach((track) => track.stop());
  stream = null;
  part("video").hidden = part("shoot").hidden = true;
}

async function startCamera() {
  stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user" } });
  part("video").srcObject = stream;
  part("preview").hidden = true;
  part("video").hidden = part("shoot").hidden = false;
  await part("video").play();
  part("shoot").focus();
}

function shoot() {
  const video = part("video");
  const canvas = element("canvas", { width: video.videoWidth, height: video.videoHeight });
  canvas.getContext("2d").drawImage(video, 0, 0);
  canvas.toBlob((blob) => take(new File([blob], "camera.jpg", { type: "image/jpeg" })), "image/jpeg", 0.95);
}

const pair = { a: null, b: null };

function compare(side, file) {
  if (!file) return;
  pair[side] = file;
  show(part("preview-" + side), file);
  if (!pair.a || !pair.b) return;
  attempt(async () => {
    say("");
    part("same").textContent = "";
    const { score, threshold, same } = await ask("POST", "/v1/compare", form([pair.a, pair.b]));
    const verdict = same === null ? "" : same ? "The same. " : "Not the same. ";
    const line = threshold === null ? "the model has no threshold" : `threshold ${scoreText(threshold)}`;
    part("same").textContent = `${verdict}Score ${scoreText(score)}, ${line}.`;
  });
}

function listenToDrops() {
  const drop = part("drop");
  for (const name of ["dragenter", "dragover"]) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
  }
  for (const name of ["dragleave", "drop"]) drop.addEventListener(name, () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    take(event.dataTransfer.files[0]);
  });
  document.addEventListener("paste", (event) => take(event.clipboardData.files[0]));
}

async function start() {
  model = await ask("GET", "/v1/model");
  for (const side of ["a", "b"]) {
    part("file-" + side).addEventListener("change", (event) => compare(side, event.target.files[0]));
  }
  part("ask").hidden = !model.gallery;
  if (!model.gallery) {
    part("about").textContent = "without a gallery: kindred serve MODEL --gallery G has one";
    return;
  }
  part("file").addEventListener("change", (event) => take(event.target.files[0]));
  part("enroll").addEventListener("submit", enroll);
  listenToDrops();
  if (window.isSecureContext && navigator.mediaDevices) {
    part("camera").hidden = false;
    part("camera").addEventListener("click", () => attempt(startCamera));
    part("shoot").addEventListener("click", shoot);
  }
  await showGallery();
}

attempt(start).then(() => { document.documentElement.dataset.ready = "yes"; });
