// How to cite the paper and exacta, as BibTeX.

import { version } from "../package.json";

const paper = `@article{kumar2025quantization,
  title = {Quantization vs Pruning: Insights from the Strong Lottery Ticket Hypothesis},
  author = {Kumar, Aakash and Natale, Emanuele},
  year = {2025},
  journal = {arXiv preprint arXiv:2508.11020},
  url = {https://arxiv.org/abs/2508.11020}
}`;

const software = `@software{exacta,
  title = {exacta: the laboratory for exact lottery tickets},
  author = {{The exacta authors}},
  version = {${version}}
}`;

export const bibtex = `${paper}\n\n${software}\n`;
