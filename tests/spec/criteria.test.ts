import { describe, expect, test } from 'vitest';
import { compile } from '../../plan/compile.ts';
import { leavesOf } from '../../plan/criteria.ts';
import type { Criterion } from '../../plan/criteria.ts';
import { parseSpec } from '../../spec/rollout.ts';

const whole = (criteria: string) => `
apiVersion: sluice/v1
kind: Rollout
metadata: { service: web, environment: production }
target: { kind: caddy, connection: edge, route: web }
release: { image: registry.example/web }
metrics: { connection: prometheus-prod, tracks: { label: version } }
criteria:
  - { id: errors, kind: limit, query: 'errors{{{track}}}', breach: '> 1%', when: canary, do: rollback }
${criteria
  .split('\n')
  .map((line) => `  ${line}`)
  .join('\n')}
`;

/** `path: message` of everything wrong. */
function wrongWith(criteria: string): readonly string[] {
  const result = parseSpec(whole(criteria), 'rollout.yaml');
  const problems = result.ok ? result.warnings : result.problems;
  return problems.map(({ path, message, hint }) => `${path}: ${message}${hint === undefined ? '' : `; ${hint}`}`);
}

function planned(criteria: string): readonly Criterion[] {
  const result = parseSpec(whole(criteria), 'rollout.yaml');
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  const release = { image: 'registry.example/web', digest: `sha256:${'a'.repeat(64)}`, label: 'v2' };
  const can = { granularityBp: 1, fenced: true, preview: true, affinity: false, scales: false, instantRevert: true };
  const compiled = compile(result.value, release, can);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems));
  return compiled.plan.criteria.slice(1);
}

const alert = (matcher: string) => `- { id: red, kind: alert, matchers: [${matcher}], do: hold }`;
const limit = (rest: string) => `- { id: c, kind: limit, query: up, breach: '> 5', do: warn, ${rest} }`;
const anyOf = (...parts: string[]) =>
  `- { id: any, kind: any-of, do: hold, when: canary, criteria: [${parts.join(', ')}] }`;
const part = `{ id: circuit, kind: limit, query: 'max(open{{{track}}})', breach: '> 0' }`;
const hours = (calendar: string) => limit(`onlyIf: { calendar: { timezone: UTC, windows: [${calendar}] } }`);

describe('an alert criterion', () => {
  test('becomes matchers of labels, that of the release among them', () => {
    expect(planned(alert(String.raw`'severity="critical"', 'app =~ "web|a\"b\\."', '{{track}}'`))).toEqual([
      {
        id: 'red',
        kind: 'alert',
        matchers: [
          { label: 'severity', op: '=', value: 'critical' },
          { label: 'app', op: '=~', value: 'web|a"b\\.' },
          { label: 'version', op: '=', value: '{{release}}' },
        ],
        do: 'hold',
        severity: 'P1',
        when: 'always',
        forMs: 0,
        warmUpMs: 0,
        minSamples: 0,
      },
    ]);
  });

  test.each([
    [`'severity=critical'`, 'criteria[1].matchers[0]: "severity=critical" is not a matcher of labels'],
    [`'severity="a" or up'`, 'criteria[1].matchers[0]: "severity=\\"a\\" or up" is not a matcher of labels'],
    [`'alertstate="pending"'`, 'criteria[1].matchers[0]: only alerts that fire are asked for'],
    [`'__name__="up"'`, 'criteria[1].matchers[0]: an alert’s name is in alertname'],
    [`'app="{{track}}"'`, 'criteria[1].matchers[0]: unknown name "track" in a matcher'],
    ['', 'criteria[1].matchers: the list has too few entries'],
  ])('cannot ask for %s', (matcher, problem) => {
    expect(wrongWith(alert(matcher))).toEqual([problem]);
  });
});

describe('a composite', () => {
  test('hands consequence, severity and stage on to its parts, however deep', () => {
    const nested = `{ id: deep, kind: all-of, criteria: [{ id: red, kind: alert, matchers: ['a="b"'] }] }`;
    const [compiled] = planned(anyOf(part, '{ ref: errors, phase: breached }', nested));
    expect(compiled).toMatchObject({
      kind: 'any-of',
      parts: [
        { kind: 'criterion', criterion: { id: 'circuit', do: 'hold', severity: 'P1', when: 'canary' } },
        { kind: 'ref', criterion: 'errors', phase: 'breached' },
        { criterion: { id: 'deep', kind: 'all-of', parts: [{ criterion: { id: 'red', kind: 'alert', do: 'hold' } }] } },
      ],
    });
    expect(leavesOf(compiled === undefined ? [] : [compiled]).map(({ id }) => id)).toEqual(['circuit', 'red']);
  });

  test.each<readonly [string, readonly string[], readonly string[]]>([
    ['nothing', [], ['criteria[1].criteria: the list has too few entries']],
    [
      'a criterion that is not there',
      ['{ ref: error }'],
      ['criteria[1].criteria[0].ref: there is no criterion "error"; did you mean "errors"?'],
    ],
    ['itself', ['{ ref: any }'], ['criteria[1].criteria[0].ref: criterion "any" is judged later than this']],
    [
      'a consequence of a part',
      [part.replace('}}}', '}}}').replace(/ }$/, ', do: rollback }')],
      ['criteria[1].criteria[0].do: unknown key "do"'],
    ],
    [
      'two parts of one name',
      [part, part],
      ['criteria[1].criteria[1].id: criterion "circuit" stands here a second time'],
    ],
    [
      'a part of the name of another',
      [part.replace('circuit', 'errors')],
      ['criteria[1].criteria[0].id: criterion "errors" stands here a second time'],
    ],
    ['half a query', [part.replace('max(', 'max((')], ['criteria[1].criteria[0].query: the query ends too early']],
    [
      'an unknown phase',
      ['{ ref: errors, phase: bad }'],
      ['criteria[1].criteria[0].phase: "bad" is not one of failed, breached'],
    ],
    [
      'an unknown kind',
      [part.replace('limit', 'limits')],
      ['criteria[1].criteria[0].kind: unknown kind "limits"; did you mean "limit"?'],
    ],
  ])('cannot be made of %s', (_, parts, problems) => {
    expect(wrongWith(anyOf(...parts))).toEqual(problems);
  });

  test('cannot wait for what is not judged in its stage', () => {
    expect(wrongWith(anyOf('{ ref: errors }').replace('canary', 'always'))).toEqual([
      'criteria[1].criteria[0].ref: criterion "errors" is only judged while steps run',
    ]);
  });
});

describe('conditions', () => {
  test('are times of day on the clocks of a zone, and a number to have been above', () => {
    const text = `onlyIf: { previousAbove: 0, calendar: { timezone: America/Argentina/Buenos_Aires, windows: [{ days: [mon, fri], from: "09:30", to: "18:00" }, {}] } }`;
    const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
    expect(planned(limit(text))[0]?.onlyIf).toEqual({
      previousAbove: 0,
      calendar: {
        timezone: 'America/Argentina/Buenos_Aires',
        windows: [
          { days: ['mon', 'fri'], fromMs: 34_200_000, toMs: 64_800_000 },
          { days, fromMs: 0, toMs: 86_400_000 },
        ],
      },
    });
    expect(planned(limit('for: 1m'))[0]).not.toHaveProperty('onlyIf');
  });

  test.each<readonly [string, string, readonly string[]]>([
    [
      'a zone that is not',
      hours('{}').replace('UTC', 'America/Buenos_Ares'),
      [
        'criteria[1].onlyIf.calendar.timezone: there is no time zone "America/Buenos_Ares"; did you mean "America/Buenos_Aires"?',
      ],
    ],
    [
      '25 o’clock',
      hours('{ from: "25:00" }'),
      ['criteria[1].onlyIf.calendar.windows[0].from: "25:00" is not a time of day'],
    ],
    [
      'an empty window',
      hours('{ from: "09:00", to: "09:00" }'),
      ['criteria[1].onlyIf.calendar.windows[0].to: the window ends when it begins'],
    ],
    [
      'an unknown day',
      hours('{ days: [lun] }'),
      [
        'criteria[1].onlyIf.calendar.windows[0].days[0]: "lun" is not one of mon, tue, wed, thu, fri, sat, sun; did you mean "sun"?',
      ],
    ],
    ['no condition', limit('onlyIf: {}'), ['criteria[1].onlyIf: no condition is given']],
    [
      'a number before, for alerts',
      `- { id: red, kind: alert, matchers: ['a="b"'], onlyIf: { previousAbove: 0 }, do: warn }`,
      ['criteria[1].onlyIf.previousAbove: unknown key "previousAbove"'],
    ],
    [
      'a clear threshold above',
      limit(`clear: '< 6'`),
      ['criteria[1].clear: the clear threshold is not below the breach'],
    ],
    [
      'a clear threshold at the breach',
      limit(`clear: '<= 5'`),
      ['criteria[1].clear: the clear threshold is not below the breach'],
    ],
    ['a clear condition that is as bad', limit(`clear: '> 4'`), ['criteria[1].clear: this clears what is just as bad']],
    [
      'a clear threshold for equality',
      limit(`clear: '< 4'`).replace('> 5', '== 5'),
      ['criteria[1].clear: a breach with == is clear as soon as it is over'],
    ],
  ])('cannot be %s', (_, text, problems) => {
    expect(wrongWith(text)).toEqual(problems);
  });

  test('may clear below a breach upwards, above one downwards', () => {
    expect(wrongWith(limit(`clear: '< 4'`))).toEqual([]);
    expect(wrongWith(limit(`clear: '>= 6'`).replace('> 5', '< 5'))).toEqual([]);
    expect(
      wrongWith(
        `- { id: c, kind: compare, query: 'up{{{track}}}', against: stable, breach: '> 2x', clear: '< +50%', do: warn }`,
      ),
    ).toEqual([]);
  });
});
