/** Traffic divided by the HTTP routes of an Istio VirtualService, in whole percent as Istio wants them. */

import type { JsonValue } from '../../../../plan/plan.ts';
import { formatBp } from '../../../../plan/units.ts';
import { ProviderError } from '../../../errors.ts';
import { problem } from '../findings.ts';
import { at, isObject, type JsonObject, numberAt, objectsAt, textAt, without } from '../json.ts';
import { nameOfRef, refTo, resources } from '../refs.ts';
import type { Router, Split, Wanted } from './router.ts';

export interface IstioOptions {
  readonly namespace: string;
  readonly virtualService: string;
  readonly route: string | null;
  readonly stable: string;
  readonly canary: string;
}

const previewName = 'sluice-preview';

export function createIstioRouter(options: IstioOptions): Router {
  const { namespace, virtualService, stable, canary } = options;
  const ref = refTo(resources.virtualservices, namespace, virtualService);
  const leadsTo = (destination: JsonValue, service: string) => hostIs(destination, service, namespace);
  const isOurs = (route: JsonObject) => (textAt(route, 'name') ?? '').startsWith(previewName);
  const isDivided = (route: JsonObject) =>
    !isOurs(route) &&
    (options.route === null || textAt(route, 'name') === options.route) &&
    objectsAt(route, 'route').some((one) => leadsTo(one, stable) || leadsTo(one, canary));
  const theirs = (object: JsonObject) => objectsAt(object, 'spec', 'http').filter((route) => !isOurs(route));
  const weights = (route: JsonObject) => {
    const all = objectsAt(route, 'route');
    const of = (service: string) => all.filter((one) => leadsTo(one, service));
    // A single destination has everything, whether it says so or not.
    const sum = (ones: readonly JsonObject[]) =>
      ones.reduce((total, one) => total + (numberAt(one, 'weight') ?? (all.length === 1 ? 100 : 0)), 0);
    return { stable: sum(of(stable)), canary: sum(of(canary)), present: of(canary).length > 0 };
  };

  const divide = (route: JsonObject, index: number, wanted: Wanted): JsonObject => {
    const all = objectsAt(route, 'route');
    const { stable: s, canary: c } = weights(route);
    const share = (wanted.canaryBp * (s + c)) / 10_000;
    if (!Number.isInteger(share)) {
      const detail = `${formatBp(wanted.canaryBp)} of the ${s + c} % that both Services have is no whole percent`;
      throw new ProviderError({ code: 'invalid', doing: `divide ${nameOfRef(ref)}`, detail });
    }
    const isPair = (one: JsonObject) => leadsTo(one, stable) || leadsTo(one, canary);
    const template = all.find((one) => leadsTo(one, stable)) ?? all.find(isPair) ?? {};
    const first = all.findIndex(isPair);
    const [before, after] = [all.slice(0, first), all.slice(first)].map((some) => some.filter((one) => !isPair(one)));
    const home = to(template, stable, s + c - share);
    const weight = wanted.before[String(index)];
    const alone = weight === null && all.filter((one) => !isPair(one)).length === 0;
    const pair =
      wanted.canary === 'present' ? [home, to(template, canary, share)] : [alone ? without(home, 'weight') : home];
    return { ...route, route: [...(before ?? []), ...pair, ...(after ?? [])] };
  };

  const previews = (routes: readonly JsonObject[], { header, value }: NonNullable<Wanted['preview']>) =>
    routes.map((route, index) => {
      const template = objectsAt(route, 'route').find((one) => leadsTo(one, stable)) ?? {};
      const matches = objectsAt(route, 'match');
      return {
        ...route,
        name: `${previewName}-${index}`,
        match: (matches.length === 0 ? [{}] : matches).map((match) => {
          const headers = at(match, 'headers');
          return { ...match, headers: { ...(isObject(headers) ? headers : {}), [header]: { exact: value } } };
        }),
        route: [without(to(template, canary, 100), 'weight')],
      };
    });

  return {
    ref,
    origin: null,
    made: (origin) => origin,
    field: '.spec.http',
    granularityBp: 100,
    preview: true,
    split: (object) => {
      const divided = theirs(object).filter(isDivided).map(weights);
      const preview = objectsAt(object, 'spec', 'http').some(isOurs);
      return splitOf(divided, preview, stable);
    },
    write(object, wanted) {
      const routes = theirs(object).map((route, index) => (isDivided(route) ? divide(route, index, wanted) : route));
      // The first match wins here.
      const ours = wanted.preview === null ? [] : previews(theirs(object).filter(isDivided), wanted.preview);
      return [{ op: 'replace', path: '/spec/http', value: [...ours, ...routes] }];
    },
    // Its status is off in most meshes: what the API server keeps is all there is to see.
    acceptance: () => ({ kind: 'accepted' }),
    record: (object) =>
      Object.fromEntries(
        theirs(object).flatMap((route, index) => {
          const found = objectsAt(route, 'route').find((one) => leadsTo(one, stable));
          return isDivided(route) && found !== undefined ? [[String(index), numberAt(found, 'weight')] as const] : [];
        }),
      ),
    findings: (object, asked) =>
      theirs(object)
        .filter(isDivided)
        .flatMap((route) => {
          const { stable: s, canary: c } = weights(route);
          const bad = asked.filter((bp) => !Number.isInteger((bp * (s + c)) / 10_000));
          if (bad.length === 0) return [];
          const name = textAt(route, 'name') ?? 'without a name';
          const text = `HTTP route ${name} of ${nameOfRef(ref)} gives both Services ${s + c} % together: ${bad.map(formatBp).join(', ')} of that is no whole percent.`;
          return [problem('weights', text)];
        }),
  };
}

/** `web`, `web.shop` and `web.shop.svc.cluster.local` are one Service of namespace shop. */
function hostIs(destination: JsonValue, service: string, namespace: string): boolean {
  const host = textAt(destination, 'destination', 'host') ?? '';
  return host === service || host === `${service}.${namespace}` || host.startsWith(`${service}.${namespace}.svc`);
}

function to(template: JsonObject, service: string, weight: number): JsonObject {
  const destination = at(template, 'destination');
  const kept = isObject(destination) ? destination : {};
  const rest = (textAt(kept, 'host') ?? '').split('.').slice(1);
  return { ...template, destination: { ...kept, host: [service, ...rest].join('.') }, weight };
}

interface Weights {
  readonly stable: number;
  readonly canary: number;
  readonly present: boolean;
}

function splitOf(routes: readonly Weights[], preview: boolean, stable: string): Split {
  const present = routes.some((route) => route.present);
  const none = { stableBp: 0, canaryBp: 0, present, preview, uneven: false };
  if (routes.length === 0) return { ...none, fault: `no HTTP route leads to Service ${stable}` };
  if (routes.every(({ stable: s, canary: c }) => s + c === 0)) return { ...none, fault: 'both Services have weight 0' };
  const shares = routes.map(({ stable: s, canary: c }) => (s + c === 0 ? 0 : Math.round((c * 10_000) / (s + c))));
  const canaryBp = Math.max(...shares);
  return { present, preview, canaryBp, stableBp: 10_000 - canaryBp, uneven: new Set(shares).size > 1, fault: null };
}
