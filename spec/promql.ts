/** PromQL in a spec, checked with the official grammar after its template is filled in; offsets are those of the template. */

import { parser } from '@prometheus-io/lezer-promql';
import type { SyntaxNode, Tree } from '@lezer/common';
import { queryPieces, querySlots, type QueryPiece } from '../plan/promql.ts';
import { wordsFor } from './expectations.ts';
import { didYouMean } from './nearest.ts';

/** One thing wrong with a query. */
export interface QueryFault {
  /** In the query as it stands in the spec. */
  readonly offset: number;
  readonly message: string;
  readonly expected?: string;
  readonly hint?: string;
}

/** Functions that work on a range of samples and nothing else. */
const overRanges = /^(?:rate|irate|increase|delta|idelta|deriv|changes|resets|predict_linear|\w+_over_time)$/;

/** Faults of a query template; an empty list means that the grammar accepts it. */
export function queryFaults(template: string, trackLabel: string): readonly QueryFault[] {
  const pieces = queryPieces(template, {
    trackLabel,
    release: { label: 'v0', digest: `sha256:${'0'.repeat(64)}` },
  });
  const slots = pieces.flatMap(slotFault);
  if (slots.length > 0) return slots;
  const query = pieces.map((piece) => piece.text).join('');
  const tree = parser.parse(query);
  const back = (offset: number) => templateOffset(pieces, offset);
  const syntax = firstError(tree);
  if (syntax !== null) return [{ offset: back(syntax.from), ...syntaxWords(query, syntax) }];
  return [...resultFaults(tree), ...rangeFaults(tree, query)].map((fault) => ({
    ...fault,
    offset: back(fault.offset),
  }));
}

/** Faults of a plain selector such as `http_requests_total{app="web"}`. */
export function selectorFaults(selector: string): readonly QueryFault[] {
  const expected = 'a plain selector such as http_requests_total{app="web"}';
  const slot = selector.indexOf('{{');
  if (slot >= 0) return [{ offset: slot, message: 'a plain selector has no templates', expected }];
  const tree = parser.parse(selector);
  const syntax = firstError(tree);
  if (syntax !== null) return [{ offset: syntax.from, ...syntaxWords(selector, syntax) }];
  const top = tree.topNode.firstChild;
  if (top?.name === 'VectorSelector' && top.nextSibling === null) return [];
  return [{ offset: top?.from ?? 0, message: 'this is more than a selector', expected }];
}

function slotFault(piece: QueryPiece): readonly QueryFault[] {
  if (piece.slot === null) return [];
  const offset = piece.from;
  if (!querySlots.includes(piece.slot)) {
    const hint = didYouMean(piece.slot, querySlots);
    const message = `unknown name ${JSON.stringify(piece.slot.slice(0, 60))} in a query`;
    const expected = wordsFor(querySlots.map((slot) => `{{${slot}}}`));
    return [{ offset, message, expected, ...(hint === undefined ? {} : { hint }) }];
  }
  if (!piece.quoted || piece.slot === 'release') return [];
  return [{ offset, message: `{{${piece.slot}}} cannot stand inside a string`, expected: '{{release}} in strings' }];
}

/** The template's offset that a place of the rendered query comes from. */
function templateOffset(pieces: readonly QueryPiece[], offset: number): number {
  let begin = 0;
  for (const piece of pieces) {
    const end = begin + piece.text.length;
    if (offset < end) return piece.from + (piece.slot === null ? offset - begin : 0);
    begin = end;
  }
  const last = pieces.at(-1);
  return last === undefined ? 0 : last.from + last.text.length;
}

function firstError(tree: Tree): { readonly from: number; readonly to: number } | null {
  let found: { from: number; to: number } | null = null;
  tree.iterate({
    enter: (node) => {
      if (found === null && node.type.isError) found = { from: node.from, to: node.to };
    },
  });
  return found;
}

function syntaxWords(query: string, { from, to }: { from: number; to: number }): Omit<QueryFault, 'offset'> {
  const rest = query.slice(from).trimStart();
  if (rest === '') return { message: 'the query ends too early', expected: 'complete PromQL' };
  const call = /(\w+)\s*$/.exec(query.slice(0, from));
  if (to > from && rest.startsWith('(') && call !== null)
    return { message: `PromQL knows no function ${JSON.stringify(call[1])}`, expected: 'PromQL' };
  return { message: `no PromQL from ${JSON.stringify(rest.slice(0, 20))} on`, expected: 'PromQL' };
}

/** Only numbers per series can be judged. */
function resultFaults(tree: Tree): readonly QueryFault[] {
  let top = tree.topNode.firstChild;
  while (top?.name === 'LineComment') top = top.nextSibling;
  while (top?.name === 'ParenExpr') top = top.firstChild;
  if (top === null) return [{ offset: 0, message: 'the query is empty', expected: 'PromQL' }];
  if (top.name === 'MatrixSelector' || top.name === 'SubqueryExpr')
    return [
      {
        offset: top.from,
        message: 'the query gives a range of samples, not a number',
        expected: 'a function over the range, such as rate(…)',
      },
    ];
  if (top.name === 'StringLiteral') return [{ offset: top.from, message: 'the query is a text', expected: 'PromQL' }];
  return [];
}

/** The grammar accepts `rate(up)`, Prometheus does not. */
function rangeFaults(tree: Tree, query: string): readonly QueryFault[] {
  const faults: QueryFault[] = [];
  tree.iterate({
    enter: ({ node }) => {
      const name = node.name === 'FunctionCall' ? query.slice(node.firstChild?.from, node.firstChild?.to) : '';
      const argument = lastArgument(node.getChild('FunctionCallBody'));
      if (overRanges.test(name) && argument !== null && argument.name === 'VectorSelector')
        faults.push({
          offset: argument.to,
          message: `${name} needs a range of samples`,
          expected: 'a range such as [1m]',
        });
    },
  });
  return faults;
}

function lastArgument(body: SyntaxNode | null): SyntaxNode | null {
  let argument = body?.firstChild ?? null;
  while (argument !== null && argument.name !== 'VectorSelector') argument = argument.nextSibling;
  return argument;
}
