// Lays out a graph, what is used above what uses it, while the page stays responsive.
"use strict";
importScripts("vendor/dagre.min.js");
onmessage = ({ data: { rankdir, nodes, edges } }) => {
  const graph = new dagre.graphlib.Graph({ multigraph: true });
  graph.setGraph({ rankdir, nodesep: 18, ranksep: 44, ranker: nodes.length > 400 ? "longest-path" : "network-simplex" });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { key, width, height } of nodes) graph.setNode(key, { width, height });
  edges.forEach((edge, number) => graph.setEdge(edge.from, edge.to, {}, String(number)));
  dagre.layout(graph);
  const { width, height } = graph.graph();
  postMessage({
    width, height,
    nodes: Object.fromEntries(nodes.map(({ key }) => [key, graph.node(key)])),
    edges: edges.map((edge, number) => graph.edge(edge.from, edge.to, String(number)).points),
  });
};
