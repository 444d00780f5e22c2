// Figures in JupyterLab follow the width of the page and its theme, without a kernel: live.js, which lies beside this
// file once installed. And JupyterLab shows the still of a saved figure until the pointer is over it. A still has two
// dots per px, and plotly's renderer shows a px for every dot: here it is kept within the page. Written by hand as
// JupyterLab loads extensions.
const FOLDER = document.currentScript.src.replace(/[^/]*$/, "");

const begin = async () => {
  const style = document.createElement("style");
  style.textContent = `
    .jp-RenderedPlotly .plot-img { max-width: 100%; height: auto; }
    .jp-RenderedPlotly { overflow-x: auto; }`;
  document.head.append(style);
  const { watch } = await import(`${FOLDER}live.js`);
  watch();
  return () => ({});
};

(globalThis._JUPYTERLAB ??= {}).workbench = { init: () => {}, get: begin };
