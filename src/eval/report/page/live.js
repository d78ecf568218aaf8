// The page of a run that goes on: asks its server for news, and draws what has changed.

const kPause = 1000;  // milliseconds between two questions

function start_live(data) {
  if (!data.live) return;
  const status = element("p", { id: "live", class: "live", role: "status" }, "");
  document.getElementById("about").before(status);
  let gallery = 0;
  const words = {
    running: (step) => `Training goes on: step ${count(step)}`,
    stopped: (step) => `The run has stopped at step ${count(step)}. kindred train --out … --resume goes on from its last checkpoint; this page then follows.`,
    ended: (step) => `The run has ended at step ${count(step)}. kindred report writes the whole page.`,
  };
  async function ask() {
    let news;
    try {
      news = await (await fetch("live?have=" + gallery)).json();
    } catch (error) {
      status.textContent = "Nobody answers any more: the run has ended, or kindred report --watch was stopped.";
      status.dataset.state = "gone";
      return;
    }
    status.textContent = words[news.state](news.step);
    Object.assign(status.dataset, { state: news.state, step: news.step, gallery: news.gallery });
    data.runs[0] = news.run;
    if (news.report) {
      gallery = news.gallery;
      Object.assign(data, news.report);
      const samples = start_samples(data);
      draw_again("numbers", () => show_numbers(data, samples));
      draw_again("retrieval", () => show_retrieval(data, samples));
    }
    draw_again("training", () => show_training(data));
    if (news.state !== "ended") setTimeout(ask, kPause);
  }
  ask();
}

/** Draws a section in the place of what it was; what was folded open stays open. */
function draw_again(id, draw) {
  const before = document.getElementById(id);
  const main = document.getElementById("main");
  const contents = document.getElementById("contents");
  const links = contents.childElementCount;
  const last = main.lastElementChild;
  draw();
  const fresh = main.lastElementChild;
  if (!before || fresh === last || fresh === before) return;
  const folds = [...before.querySelectorAll("details")];
  fresh.querySelectorAll("details").forEach((fold, i) => (fold.open = folds[i] ? folds[i].open : fold.open));
  before.replaceWith(fresh);
  while (contents.childElementCount > links) contents.lastElementChild.remove();
}
