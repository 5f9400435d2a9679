import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { verdictOf, type Position } from '../../plan/edit.ts';
import { editsOf, strictestGate } from '../../plan/edits.ts';
import { compile } from '../../plan/compile.ts';
import type { Criterion } from '../../plan/criteria.ts';
import { planDigest } from '../../plan/digest.ts';
import type { Plan } from '../../plan/plan.ts';
import { soundPlan } from '../../plan/sound.ts';
import { parseSpec } from '../../spec/rollout.ts';

const release = { digest: `sha256:${'ab'.repeat(32)}`, label: 'v7.3.1', image: 'registry.example/web' };
const capabilities = {
  granularityBp: 1,
  fenced: true,
  preview: true,
  affinity: false,
  scales: false,
  instantRevert: true,
};

function compiled(name: string): Plan {
  const file = new URL(`../../examples/${name}.yaml`, import.meta.url);
  const read = parseSpec(readFileSync(file, 'utf8'), name);
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  const image = read.value.release.image;
  const result = compile(read.value, { ...release, image }, capabilities);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.plan;
}

const shop = compiled('shop');
const before: Position = { step: -1, begun: false, promoted: false, watched: false };
/** At 5 %, the second of four steps. */
const at5: Position = { ...before, step: 1, begun: true };

type Mutable<T> = { -readonly [Key in keyof T]: Key extends 'suites' ? T[Key] : Mutable<T[Key]> };

function edited(change: (plan: Mutable<Plan>) => void, from: Plan = shop): Plan {
  const plan = structuredClone(from) as Mutable<Plan>;
  change(plan);
  return plan;
}

/** `kind: sentence`, in the order of the plan. */
function told(change: (plan: Mutable<Plan>) => void, at = at5, from = shop): readonly string[] {
  return editsOf(from, edited(change, from), at).map(({ kind, sentence }) => `${kind}: ${sentence}`);
}

const step = (plan: Mutable<Plan>, index: number) => plan.steps[index] as Mutable<Plan['steps'][number]>;
const criterion = (plan: Mutable<Plan>, id: string) => plan.criteria.find((one) => one.id === id) as Mutable<Criterion>;
const gate = (plan: Mutable<Plan>, id: string) =>
  plan.gates.find((one) => one.id === id) as Mutable<Plan['gates'][number]>;

describe('an edited ladder', () => {
  test('bakes longer at once, shorter only when somebody is asked', () => {
    expect(told((plan) => (step(plan, 2).bakeMinMs += 60_000))[0]).toMatch(/^tighter: step 25%: the bake is/);
    expect(told((plan) => (step(plan, 2).bakeMinMs -= 60_000))[0]).toMatch(/^needs-asking: step 25%: the bake is/);
    expect(told((plan) => (step(plan, 2).bakeMaxMs += 60_000))[0]).toMatch(/^needs-asking: step 25%: the longest bake/);
    const both = told((plan) => Object.assign(step(plan, 2), { bakeMinMs: 86_400_000, bakeMaxMs: 2 * 86_400_000 }));
    expect(both.map((line) => line.split(':')[0])).toEqual(['tighter', 'tighter']);
  });

  test('may get a step in between, or lighter ones; heavier and fewer are asked about', () => {
    const insert = (plan: Mutable<Plan>, weightBp: number, index: number, remove = 0) => {
      plan.steps.splice(index, remove, {
        ...structuredClone(step(plan, 2)),
        weightBp,
        smoke: [...step(plan, 2).smoke],
      });
      for (const one of plan.gates)
        if (one.point.kind === 'step' && one.point.index >= index) one.point.index += 1 - remove;
    };
    expect(told((plan) => insert(plan, 1_000, 2))).toEqual([
      'tighter: the ladder ahead is 10%, 25%, 100% instead of 25%, 100%',
    ]);
    const lighter = told((plan) => insert(plan, 1_000, 2, 1));
    expect(lighter).toEqual(['tighter: the ladder ahead is 10%, 100% instead of 25%, 100%']);
    expect(told((plan) => insert(plan, 5_000, 2, 1))).toEqual([
      'needs-asking: the ladder ahead is 50%, 100% instead of 25%, 100%',
    ]);
  });

  test('loses no step at which a gate asks, and none that is taken', () => {
    const without = (index: number) => (plan: Mutable<Plan>) => {
      const ids = plan.gates.filter(({ point }) => point.kind === 'step' && point.index === index).map(({ id }) => id);
      plan.steps.splice(index, 1);
      plan.gates = plan.gates.filter(({ id }) => !ids.includes(id));
      for (const one of plan.gates) if (one.point.kind === 'step' && one.point.index > index) one.point.index -= 1;
    };
    expect(told(without(2))).toContain(
      'forbidden: gate wide@25% cannot be taken away with step 25% while a rollout runs',
    );
    expect(told(without(0))).toContain('forbidden: step 1% is taken already and cannot be edited');
    expect(told((plan) => (step(plan, 1).weightBp = 300))).toContain(
      'forbidden: step 5% is taken already and cannot be edited',
    );
    expect(verdictOf(editsOf(shop, edited(without(1)), before))).toBe('needs-asking');
  });

  test('keeps what is behind as it was; of the present step only bake and hold change', () => {
    expect(told((plan) => (step(plan, 0).bakeMinMs += 1))).toEqual([
      'forbidden: step 1% is taken already and cannot be edited',
    ]);
    expect(told((plan) => (step(plan, 1).bakeMinMs += 60_000))[0]).toMatch(/^tighter: step 5%/);
    expect(told((plan) => (step(plan, 1).smoke = []))[0]).toMatch(/^forbidden: step 5% is the present one/);
    const promoted = { step: 3, begun: true, promoted: true, watched: false };
    expect(told((plan) => (step(plan, 3).bakeMinMs += 60_000), promoted)[0]).toMatch(/^forbidden: step 100%/);
  });

  test('has its smoke added, never taken away', () => {
    const extra = { suite: Object.keys(shop.suites)[0] ?? '', aim: 'public' } as const;
    expect(told((plan) => step(plan, 2).smoke.push(extra))[0]).toMatch(/^tighter: step 25%: smoke .* is added/);
    const smoked = edited((plan) => step(plan, 2).smoke.push(extra));
    expect(told((plan) => (step(plan, 2).smoke = []), at5, smoked)[0]).toMatch(/^forbidden: step 25%: smoke/);
  });
});

describe('edited criteria', () => {
  const words = (from: Partial<Criterion>, to: Partial<Criterion>) => {
    const withRatio = (change: Partial<Criterion>) =>
      edited((one) => one.criteria.push({ ...numeric, ...change } as Mutable<Criterion>));
    return editsOf(withRatio(from), withRatio(to), at5).map(({ sentence }) => sentence);
  };

  test('name their thresholds as they are written', () => {
    const limit = (value: number, unit: '%' | 'ms' | null): Partial<Criterion> => ({
      breach: { op: '>', value, unit },
    });
    expect(words(limit(0.01, '%'), limit(0.02, '%'))).toEqual(['criterion ratio is breached at > 2% instead of > 1%']);
    expect(words(limit(0.3, 'ms'), limit(0.07 * 3, 'ms'))).toEqual([
      'criterion ratio is breached at > 210ms instead of > 300ms',
    ]);
    expect(words(limit(5, null), limit(4.5, null))).toEqual(['criterion ratio is breached at > 4.5 instead of > 5']);
    const times = (factor: number): Partial<Criterion> => ({
      ...{ kind: 'compare', against: 'stable', floor: 0 },
      breach: { op: '>', factor },
    });
    expect(words(times(1.5), times(1.1))).toEqual(['criterion ratio is breached at > 1.1x instead of > 1.5x']);
  });

  const [first] = shop.criteria;
  const numeric: Criterion = {
    id: 'ratio',
    kind: 'limit',
    query: 'up',
    breach: { op: '>', value: 0.01 },
    do: 'hold',
    severity: 'P1',
    when: 'canary',
    forMs: 60_000,
    warmUpMs: 30_000,
    minSamples: 10,
  };
  const plan = edited((one) => one.criteria.push(numeric as Mutable<Criterion>));
  const changed = (change: Partial<Criterion>) =>
    editsOf(
      plan,
      edited((one) => Object.assign(criterion(one, 'ratio'), change), plan),
      at5,
    ).map(({ kind }) => kind);

  test.each([
    { breach: { op: '>', value: 0.005 } },
    { forMs: 0 },
    { warmUpMs: 10 },
    { do: 'rollback' },
    { severity: 'P0' },
    { when: 'always' },
    { clear: { op: '<', value: 0.001 } },
    { breach: { op: '>', value: 0.01, unit: '%' } },
  ] as Partial<Criterion>[])('become stricter at once: %j', (change) => {
    expect(changed(change)).toEqual(['tighter']);
  });

  test.each([
    { breach: { op: '>', value: 0.02 } },
    { breach: { op: '<', value: 0.005 } },
    { forMs: 60_001 },
    { warmUpMs: 40_000 },
    { do: 'warn' },
    { severity: 'P2' },
    { when: 'watch' },
    { minSamples: 9 },
    { minSamples: 11 },
    { query: 'vector(0)' },
    { onlyIf: { previousAbove: 1 } },
  ] as Partial<Criterion>[])('are not loosened, whoever would be asked (I8): %j', (change) => {
    expect(changed(change)).toEqual(['forbidden']);
  });

  test('may be more, not fewer, and of another kind only beside the ones there are', () => {
    expect(told((one) => one.criteria.push(numeric as Mutable<Criterion>))).toEqual([
      'tighter: criterion ratio is added: hold, canary',
    ]);
    expect(told((one) => (one.criteria = one.criteria.filter(({ id }) => id !== first?.id)))).toEqual([
      `forbidden: criterion ${first?.id ?? ''} cannot be switched off while a rollout runs`,
    ]);
  });
});

describe('edited gates', () => {
  test('ask more people at once, fewer never', () => {
    expect(told((plan) => gate(plan, 'final').require.push({ kind: 'at-least', count: 1, role: 'sre' }))).toEqual([
      'tighter: gate final asks more people',
    ]);
    expect(told((plan) => (gate(plan, 'final').require = []))).toEqual([
      'forbidden: gate final cannot ask fewer or other people while a rollout runs',
    ]);
    expect(told((plan) => (plan.gates = plan.gates.filter(({ id }) => id !== 'go')))).toEqual([
      'forbidden: gate go cannot be taken away while a rollout runs',
    ]);
  });

  test('that come behind the rollout say that they ask after a step back', () => {
    const late = {
      ...(shop.gates[0] as Plan['gates'][number]),
      id: 'late@1%',
      point: { kind: 'step', index: 0 },
    } as const;
    expect(told((plan) => plan.gates.push(late as Mutable<typeof late>))[0]).toMatch(/asks after a step back$/);
  });

  test('of two equal clauses none may go: they are two people', () => {
    const one = { kind: 'at-least', count: 1, role: 'sre' } as const;
    const two = edited((plan) => (gate(plan, 'final').require = [{ ...one }, { ...one }]));
    expect(told((plan) => (gate(plan, 'final').require = [{ ...one }]), at5, two)[0]).toMatch(/^forbidden/);
  });

  test('wait longer only when somebody is asked, and end no milder', () => {
    expect(told((plan) => (gate(plan, 'final').expiresMs += 1_000))[0]).toMatch(/^needs-asking/);
    expect(told((plan) => (gate(plan, 'final').onExpiry = 'hold'))[0]).toMatch(/^needs-asking/);
  });
});

describe('the rest of a plan', () => {
  test.each(['service', 'environment'] as const)('keeps its %s', (key) => {
    expect(told((plan) => (plan[key] = 'another'))).toEqual([
      `forbidden: the ${key} cannot be edited: start another rollout for that`,
    ]);
  });

  test('keeps release, target and what the target can do', () => {
    expect(told((plan) => (plan.release.digest = `sha256:${'0'.repeat(64)}`))[0]).toMatch(/^forbidden: the release/);
    expect(told((plan) => (plan.target.connection = 'elsewhere'))[0]).toMatch(/^forbidden: the target/);
    expect(told((plan) => (plan.capabilities.fenced = false))[0]).toMatch(/^forbidden: what the target can do/);
  });

  test('is polled more often at once and less often never; the watch is longer at once, shorter when asked', () => {
    const slower = told((plan) => Object.assign(plan.metrics ?? {}, { everyMs: 3_600_000 }));
    expect(slower[0]).toMatch(/^forbidden: metrics: the time between two polls/);
    expect(told((plan) => (plan.watch.forMs += 1_000))[0]).toMatch(/^tighter: the watch/);
    expect(told((plan) => (plan.watch.forMs -= 1_000))[0]).toMatch(/^needs-asking: the watch/);
    const over = { step: 3, begun: true, promoted: true, watched: true };
    expect(told((plan) => (plan.watch.forMs += 1_000), over)[0]).toMatch(/^forbidden: the watch is over/);
  });

  test('that says the same is no edit', () => {
    expect(editsOf(shop, structuredClone(shop), at5)).toEqual([]);
    expect(verdictOf([])).toBe('same');
  });

  test('is asked about where the most people are asked', () => {
    const most = edited((plan) => (gate(plan, 'wide@25%').require = [{ kind: 'at-least', count: 9, role: 'sre' }]));
    expect(strictestGate(most)?.id).toBe('wide@25%');
    expect(strictestGate(edited((plan) => (plan.gates = [])))).toBeNull();
  });
});

describe('a plan in a message', () => {
  const sound = (raw: unknown, digest = digestIfAny(raw)) => soundPlan(raw, digest, shop);
  const reason = (raw: unknown, digest?: string) => {
    const answer = sound(raw, digest);
    return answer.ok ? 'sound' : answer.reason;
  };

  function digestIfAny(raw: unknown): string {
    try {
      return planDigest(raw as Plan);
    } catch {
      return 'none';
    }
  }

  test.each(['shop', 'minimal', 'smoke', 'criteria'])('is believed when it is one: %s', (name) => {
    const plan = compiled(name);
    expect(soundPlan(structuredClone(plan), planDigest(plan), plan)).toEqual({ ok: true, plan });
  });

  test('is not believed when its digest is another, or when it refers to what is not there', () => {
    expect(reason(shop, `sha256:${'0'.repeat(64)}`)).toContain('not the one that its digest names');
    expect(reason(edited((plan) => (gate(plan, 'final').require = [{ kind: 'all-of', roles: ['nobody'] }])))).toContain(
      'gate final asks nobody, which is no role',
    );
    expect(reason(edited((plan) => (step(plan, 1).smoke = [{ suite: 'none', aim: 'public' }])))).toContain(
      'no smoke suite',
    );
    expect(reason(edited((plan) => (step(plan, 1).weightBp = 9_999)))).toContain('does not rise above');
    expect(reason(edited((plan) => (step(plan, 1).bakeMaxMs = 0)))).toContain('longest bake below its shortest');
    expect(
      reason(edited((plan) => plan.criteria.push(structuredClone(plan.criteria[0]) as Mutable<Criterion>))),
    ).toContain('two things are called');
  });

  test('is not believed when anything in it has another form', () => {
    const forms: readonly unknown[] = [null, 'text', 7, [], {}, { ...shop, more: 1 }, { ...shop, steps: 'none' }];
    for (const raw of forms) expect(reason(raw)).toMatch(/^this is no plan/);
    expect(reason(edited((plan) => (step(plan, 1).bakeMinMs = -1)))).toContain('plan.steps[1].bakeMinMs');
    expect(reason(edited((plan) => (step(plan, 1).bakeMinMs = 0.5)))).toContain('whole number');
    expect(reason(edited((plan) => (criterion(plan, plan.criteria[0]?.id ?? '').id = '\u001b[2J')))).toContain(
      'no name',
    );
    expect(reason({ ...shop, title: 'a\nb' })).toContain('control characters');
  });

  test('is not believed when it is too large or nested too deeply', () => {
    expect(reason({ ...shop, title: 'x'.repeat(70_000) })).toContain('larger than 64 KB');
    let deep: unknown = [];
    for (let depth = 0; depth < 200_000; depth += 1) deep = [deep];
    expect(reason({ ...shop, links: deep })).toContain('nested too deeply');
    expect(reason({ ...shop, links: Array.from({ length: 300_000 }, () => 1) })).toContain('larger than 64 KB');
  });

  test('makes nothing throw, whatever is put in the place of any of its parts', () => {
    const paths = pathsOf(shop);
    const junk = fc.oneof(fc.jsonValue(), fc.constantFrom<unknown>('\ud800', -1, 1e308, '__proto__', []));
    fc.assert(
      fc.property(fc.constantFrom(...paths), junk, fc.nat(4), (path, value, present) => {
        const raw = replaced(shop, path, value);
        const answer = sound(raw);
        if (answer.ok) expect(editsOf(shop, answer.plan, { ...at5, step: present - 1 })).toBeInstanceOf(Array);
      }),
      { numRuns: 3_000 },
    );
  });
});

type Path = readonly (string | number)[];

function pathsOf(value: unknown, here: Path = []): readonly Path[] {
  if (typeof value !== 'object' || value === null) return [here];
  const inside = Object.entries(value).flatMap(([key, item]) =>
    pathsOf(item, [...here, Array.isArray(value) ? Number(key) : key]),
  );
  return [...(here.length === 0 ? [] : [here]), ...inside];
}

function replaced(value: unknown, [key, ...more]: Path, instead: unknown): unknown {
  if (key === undefined) return instead;
  const copy = structuredClone(value) as Record<string | number, unknown>;
  copy[key] = replaced(copy[key], more, instead);
  return copy;
}
