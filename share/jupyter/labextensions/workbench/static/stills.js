// JupyterLab shows the still of a saved figure until the pointer is over it. A still has two dots per px, and plotly's
// renderer shows a px for every dot: here it is kept within the page. Written by hand as JupyterLab loads extensions.
const addStyle = () => {
  const style = document.createElement("style");
  style.textContent = ".jp-RenderedPlotly .plot-img { max-width: 100%; height: auto; }";
  document.head.append(style);
  return {};
};

(globalThis._JUPYTERLAB ??= {}).workbench = { init: () => {}, get: async () => addStyle };
