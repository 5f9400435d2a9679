/** Traffic divided by the rules of an HTTPRoute or GRPCRoute of the Gateway API. */

import type { JsonValue } from '../../../../plan/plan.ts';
import { formatBp } from '../../../../plan/units.ts';
import { ProviderError } from '../../../errors.ts';
import type { PreflightFinding } from '../../../ports.ts';
import { problem } from '../findings.ts';
import { isObject, type JsonObject, listAt, numberAt, objectsAt, textAt, without } from '../json.ts';
import { nameOfRef, type Ref, refTo, resources } from '../refs.ts';
import { acceptanceOf } from './gateway-status.ts';
import type { Router, Split, Wanted } from './router.ts';

export interface GatewayOptions {
  readonly namespace: string;
  readonly resource: 'httproutes' | 'grpcroutes';
  readonly name: string;
  readonly rule: string | null;
  readonly stable: string;
  readonly canary: string;
}

/** Names our rules; users' rules may not begin so. */
const previewName = 'sluice-preview';
const whole = 10_000;

export function createGatewayRouter(options: GatewayOptions): Router {
  const rulesOf = (object: JsonObject) => listAt(object, 'spec', 'rules');
  const isOurs = (rule: JsonValue) => (textAt(rule, 'name') ?? '').startsWith(previewName);
  const theirs = (object: JsonObject) => rulesOf(object).filter((rule) => !isOurs(rule));
  const isDivided = (rule: JsonValue) =>
    !isOurs(rule) &&
    (options.rule === null || textAt(rule, 'name') === options.rule) &&
    objectsAt(rule, 'backendRefs').some((ref) => leadsTo(ref, options.stable) || leadsTo(ref, options.canary));

  return {
    ref: refIn(options),
    origin: null,
    made: (origin) => origin,
    field: '.spec.rules',
    granularityBp: 1,
    preview: true,
    split(object) {
      const rules = rulesOf(object);
      const divided = rules.filter(isDivided);
      return splitOf(
        divided.map((rule) => sharesOf(rule, options)),
        rules.some(isOurs),
        options,
      );
    },
    write(object, wanted) {
      const rules = theirs(object).map((rule, index) =>
        isDivided(rule) ? divide(rule, index, wanted, options) : rule,
      );
      const preview = wanted.preview === null ? [] : previewRules(rules.filter(isDivided), wanted.preview, options);
      const value: JsonValue = [...rules, ...preview];
      return [{ op: 'replace', path: '/spec/rules', value }];
    },
    acceptance: acceptanceOf,
    record: (object) =>
      Object.fromEntries(
        theirs(object).flatMap((rule, index) => {
          const ref = isDivided(rule) ? backendTo(rule, options.stable) : undefined;
          return ref === undefined ? [] : [[String(index), numberAt(ref, 'weight')] as const];
        }),
      ),
    findings: (object, weights) => findingsOf(rulesOf(object).filter(isDivided), weights, options),
  };
}

function leadsTo(ref: JsonObject, service: string): boolean {
  const isService = ['', null].includes(textAt(ref, 'group')) && ['Service', null].includes(textAt(ref, 'kind'));
  return isService && ref['name'] === service;
}

function refIn({ namespace, resource, name }: GatewayOptions): Ref {
  return refTo(resources[resource], namespace, name);
}

function backendTo(rule: JsonValue, service: string): JsonObject | undefined {
  return objectsAt(rule, 'backendRefs').find((ref) => leadsTo(ref, service));
}

// ── Reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────

interface RuleShares {
  readonly stable: number;
  readonly canary: number;
  readonly present: boolean;
}

function sharesOf(rule: JsonValue, { stable, canary }: GatewayOptions): RuleShares {
  const weight = (service: string) =>
    objectsAt(rule, 'backendRefs')
      .filter((ref) => leadsTo(ref, service))
      .reduce((sum, ref) => sum + (numberAt(ref, 'weight') ?? 1), 0);
  return { stable: weight(stable), canary: weight(canary), present: backendTo(rule, canary) !== undefined };
}

function splitOf(rules: readonly RuleShares[], preview: boolean, { stable }: GatewayOptions): Split {
  const present = rules.some((rule) => rule.present);
  const none = { stableBp: 0, canaryBp: 0, present, preview, uneven: false };
  if (rules.length === 0) return { ...none, fault: `no rule leads to Service ${stable}` };
  if (rules.every((rule) => rule.stable + rule.canary === 0)) {
    return { ...none, fault: 'both Services have weight 0: requests get errors' };
  }
  const shares = rules.map(({ stable: s, canary: c }) => (s + c === 0 ? 0 : Math.round((c * whole) / (s + c))));
  const canaryBp = Math.max(...shares);
  return { present, preview, canaryBp, stableBp: whole - canaryBp, uneven: new Set(shares).size > 1, fault: null };
}

// ── Writing ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** The pair's weights; other backends, their order and everything else of the rule stay as they are. */
function divide(rule: JsonValue, index: number, wanted: Wanted, options: GatewayOptions): JsonValue {
  if (!isObject(rule)) return rule;
  const refs = listAt(rule, 'backendRefs');
  const template = backendTo(rule, options.stable) ?? backendTo(rule, options.canary) ?? {};
  const isPair = (ref: JsonValue) => isObject(ref) && (leadsTo(ref, options.stable) || leadsTo(ref, options.canary));
  const first = refs.findIndex(isPair);
  const pair = pairOf(
    template,
    index,
    refs.filter((ref) => !isPair(ref)),
    wanted,
    { rule, options },
  );
  const others = (from: number, to?: number) => refs.slice(from, to).filter((ref) => !isPair(ref));
  return { ...rule, backendRefs: [...others(0, first), ...pair, ...others(first)] };
}

function pairOf(
  template: JsonObject,
  index: number,
  others: readonly JsonValue[],
  { canaryBp, canary, before }: Wanted,
  { rule, options }: { readonly rule: JsonValue; readonly options: GatewayOptions },
): readonly JsonValue[] {
  const sum = sumOf(rule, others, options);
  const share = (canaryBp * sum) / whole;
  if (!Number.isInteger(share)) {
    const detail = `other backends of the rule have their share too, so that both Services have ${sum} together, of which ${formatBp(canaryBp)} is no whole number`;
    throw new ProviderError({ code: 'invalid', doing: `divide ${nameOfRef(refIn(options))}`, detail });
  }
  const stable = { ...template, name: options.stable, weight: sum - share };
  if (canary === 'present') return [stable, { ...template, name: options.canary, weight: share }];
  // Alone in its rule, its weight means nothing: as its owner wrote it.
  const weight = before[String(index)];
  if (others.length > 0 || weight === undefined) return [stable];
  return [weight === null ? without(stable, 'weight') : { ...stable, weight }];
}

/** What both Services have together: as much as before where others have a share too. */
function sumOf(rule: JsonValue, others: readonly JsonValue[], options: GatewayOptions): number {
  if (others.length === 0) return whole;
  const { stable, canary } = sharesOf(rule, options);
  return stable + canary;
}

/** One more rule for each divided one: the same requests with the header, all to the canary. More headers win. */
function previewRules(
  rules: readonly JsonValue[],
  { header, value }: NonNullable<Wanted['preview']>,
  { canary }: GatewayOptions,
): readonly JsonValue[] {
  const condition = { type: 'Exact', name: header, value };
  return rules.filter(isObject).map((rule, index) => {
    const ref = backendTo(rule, canary) ?? {};
    const matches = objectsAt(rule, 'matches');
    return {
      ...without(rule, 'name'),
      name: `${previewName}-${index}`,
      matches: (matches.length === 0 ? [{}] : matches).map((match) => ({
        ...match,
        headers: [...listAt(match, 'headers'), condition],
      })),
      backendRefs: [without(ref, 'weight')],
    };
  });
}

// ── Before a rollout ─────────────────────────────────────────────────────────────────────────────────────────────────

function findingsOf(
  rules: readonly JsonValue[],
  weights: readonly number[],
  options: GatewayOptions,
): readonly PreflightFinding[] {
  return rules.flatMap((rule, index) => {
    const others = listAt(rule, 'backendRefs').filter(
      (ref) => !isObject(ref) || !(leadsTo(ref, options.stable) || leadsTo(ref, options.canary)),
    );
    const sum = sumOf(rule, others, options);
    const bad = weights.filter((bp) => !Number.isInteger((bp * sum) / whole));
    if (bad.length === 0) return [];
    const text = `Rule ${textAt(rule, 'name') ?? index} of ${nameOfRef(refIn(options))} has other backends, and Service ${options.stable} has weight ${sum} beside them: ${bad.map(formatBp).join(', ')} of that is no whole number. Multiply all weights of the rule, for example by ${whole}.`;
    return [problem('weights', text)];
  });
}
