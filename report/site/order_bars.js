// In place of flot-orderbars 1.0.0, which reads positions from the data and gets NaN where they are
// names: bars of several series side by side, each shifted by whole widths around the middle.
jQuery.plot.plugins.push({
  name: "orderBars",
  version: "fourways",
  options: {series: {bars: {order: null}}},
  init: plot => plot.hooks.processDatapoints.push((plot, series, datapoints) => {
    const ordered = plot.getData().filter(({bars}) => bars.show && bars.order != null);
    const position = ordered.indexOf(series);
    if (position < 0 || ordered.length < 2) return;
    const shift = (position - (ordered.length - 1) / 2) * series.bars.barWidth;
    for (let i = 0, j = 0; i < datapoints.points.length; i += datapoints.pointsize, j++) {
      datapoints.points[i] += shift;
      series.data[j][3] = datapoints.points[i]; // where asv's tooltip looks
    }
  }),
});
