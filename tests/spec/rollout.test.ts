import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { formatPath, hasErrors, renderProblems, summarizeProblems, type Problem } from '../../spec/diagnostics.ts';
import { parseSpec } from '../../spec/rollout.ts';

const read = (name: string) => readFileSync(new URL(name, import.meta.url), 'utf8');

function problemsOf(text: string): readonly Problem[] {
  const result = parseSpec(text, 'rollout.yaml');
  return result.ok ? result.warnings : result.problems;
}

/** A spec that is right in everything but the given sections. */
function specWith(sections: Readonly<Record<string, string>>): string {
  const whole: Readonly<Record<string, string>> = {
    apiVersion: 'sluice/v1',
    kind: 'Rollout',
    metadata: '{ service: web, environment: production }',
    target: '{ kind: caddy, connection: edge, route: web, preview: { header: "x-preview: canary" } }',
    release: '{ image: registry.example/web }',
    metrics: "{ connection: prometheus-prod, requests: 'http_requests_total' }",
    people: '{ roles: [sre, qa] }',
    smoke: '{ suites: { basic: { requests: [{ name: health, get: /healthz }] } } }',
    criteria: "[{ id: errors, kind: limit, query: 'errors{{{track}}}', breach: '> 1%', do: rollback }]",
    ...sections,
  };
  return Object.entries(whole)
    .map(([key, value]) => `${key}: ${value}\n`)
    .join('');
}

/** `path: message` of everything wrong with it. */
function wrongWith(sections: Readonly<Record<string, string>>): readonly string[] {
  return problemsOf(specWith(sections)).map(({ path, message }) => `${path}: ${message}`);
}

const gate = (text: string) => ({ approvals: `{ gates: [${text}] }` });
const criterion = (text: string) => ({ criteria: `[{ id: c, kind: limit, breach: "> 1", do: warn, ${text} }]` });
const request = (text: string) => ({ smoke: `{ suites: { basic: { requests: [${text}] } } }` });

describe('a broken spec', () => {
  test('gets every problem in one report, in the order of its lines, and no secret is repeated', async () => {
    const problems = problemsOf(read('broken/many.yaml'));
    expect(renderProblems(problems)).not.toContain('geheim');
    expect(JSON.stringify(problems)).not.toContain('geheim');
    expect(summarizeProblems('many.yaml', problems)).toBe('many.yaml: 51 problems');
    await expect(`${renderProblems(problems)}\n`).toMatchFileSnapshot('broken/many.txt');
  });

  test('is told the line and column of every problem', () => {
    const text = read('broken/many.yaml').split('\n');
    for (const { line, column, excerpt } of problemsOf(text.join('\n'))) {
      const shown = excerpt?.text.slice(excerpt.caret - 1, excerpt.caret + 3) ?? '';
      if (!shown.includes('*')) expect(text[line - 1]?.slice(column - 1)).toContain(shown.replace('…', ''));
    }
  });

  test.each<readonly [string, Readonly<Record<string, string>>, readonly string[]]>([
    ['an unknown key', { targett: '{}' }, ['targett: unknown key "targett"']],
    ['a missing section', { target: '' }, ['target: "target" has no value']],
    ['another version', { apiVersion: 'sluice/v2' }, ['apiVersion: "sluice/v2" is not "sluice/v1"']],
    [
      'falling steps',
      { steps: '[{ weight: 25% }, { weight: 5% }, { weight: 100% }]' },
      ['steps[1].weight: 5% does not rise above 25% before it'],
    ],
    ['a step of 101 %', { steps: '[{ weight: 101% }]' }, ['steps[0].weight: "101%" is not a share of traffic']],
    [
      'a step of -1 %',
      { steps: '[{ weight: -1% }, { weight: 100% }]' },
      ['steps[0].weight: "-1%" is not a share of traffic'],
    ],
    ['a step of 0 %', { steps: '[{ weight: 0% }, { weight: 100% }]' }, ['steps[0].weight: a step of 0% moves nothing']],
    [
      'half a basis point',
      { steps: '[{ weight: 0.005% }, { weight: 100% }]' },
      ['steps[0].weight: "0.005%" is not a share of traffic'],
    ],
    ['no last step of 100 %', { steps: '[{ weight: 25% }]' }, ['steps[0].weight: the last step is 25%']],
    ['no steps at all', { steps: '[]' }, ['steps: the list has too few entries']],
    [
      'a reversed bake',
      { steps: '[{ weight: 100%, bake: 60m..30m }]' },
      ['steps[0].bake: the range "60m..30m" is reversed'],
    ],
    [
      'an unreadable duration',
      { steps: '[{ weight: 100%, holdFor: 5 parsecs }]' },
      ['steps[0].holdFor: "5 parsecs" is not a duration above zero'],
    ],
    [
      'an unknown role',
      gate('{ id: go, at: start, require: [{ allOf: [sree] }] }'),
      ['approvals.gates[0].require[0].allOf[0]: unknown role "sree"'],
    ],
    [
      'the same role twice',
      gate('{ id: go, at: start, require: [{ onePer: [sre, sre] }] }'),
      ['approvals.gates[0].require[0].onePer[1]: role "sre" stands here a second time'],
    ],
    [
      'an empty clause',
      gate('{ id: go, at: start, require: [{ allOf: [] }] }'),
      ['approvals.gates[0].require[0].allOf: the list has too few entries'],
    ],
    [
      'half a clause',
      gate('{ id: go, at: start, require: [{ atLeast: 2 }] }'),
      ['approvals.gates[0].require[0]: missing key "of"'],
    ],
    [
      'two clauses in one',
      gate('{ id: go, at: start, require: [{ allOf: [sre], anyOf: [qa] }] }'),
      ['approvals.gates[0].require[0].anyOf: "anyOf" cannot stand beside the other keys here'],
    ],
    [
      'a gate at no step',
      gate('{ id: go, at: before-step, steps: [26%], require: [{ allOf: [sre] }] }'),
      ['approvals.gates[0].steps[0]: there is no step of 26%'],
    ],
    [
      'a gate that asks nobody',
      gate('{ id: go, at: before-step }'),
      ['approvals.gates[0]: nobody is asked at this gate'],
    ],
    [
      'bands that end early',
      gate('{ id: go, at: before-step, bands: [{ upTo: 25%, require: [{ allOf: [sre] }] }] }'),
      ['approvals.gates[0].bands: no band reaches 100%'],
    ],
    [
      'bands beside steps',
      gate('{ id: go, at: before-step, steps: [25%], bands: [{ upTo: 100%, require: [] }] }'),
      ['approvals.gates[0].steps: "steps" cannot stand beside "bands"'],
    ],
    [
      'two gates of one name',
      gate('{ id: go, at: start, require: [{ allOf: [sre] }] }, { id: go, at: promote, require: [{ allOf: [sre] }] }'),
      ['approvals.gates[1].id: gate "go" stands here a second time'],
    ],
    [
      'an undefined suite',
      { rollback: '{ confirm: [basics] }' },
      ['rollback.confirm[0]: unknown smoke suite "basics"'],
    ],
    [
      'an unknown aim',
      { rollback: '{ confirm: [basic@moon] }' },
      ['rollback.confirm[0]: "basic@moon" is not a smoke suite'],
    ],
    [
      'a public aim without an address',
      { rollback: '{ confirm: [basic@public] }' },
      ['rollback.confirm[0]: suite basic has no public address'],
    ],
    [
      'a canary aim without a preview',
      { target: '{ kind: caddy, connection: edge, route: web }', steps: '[{ weight: 100%, smoke: [basic] }]' },
      ['steps[0].smoke[0]: the canary cannot be reached without a preview'],
    ],
    [
      'a variable nobody captures',
      request('{ name: a, get: "/{{sid}}" }'),
      ['smoke.suites.basic.requests[0].get: variable "sid" is not captured before'],
    ],
    [
      'a variable deep in a body',
      request('{ name: a, post: /x, json: { a: [{ b: "{{sid}}" }] } }'),
      ['smoke.suites.basic.requests[0].json.a[0].b: variable "sid" is not captured before'],
    ],
    [
      'a variable captured by the same request',
      request('{ name: a, get: "/{{sid}}", capture: { sid: $.id } }'),
      ['smoke.suites.basic.requests[0].get: variable "sid" is not captured before'],
    ],
    [
      'a variable in what is expected',
      request('{ name: a, get: /x, expect: { json: { id: "{{id}}" } } }'),
      ['smoke.suites.basic.requests[0].expect.json.id: variable "id" is not captured before'],
    ],
    [
      'a secret in what is expected',
      request('{ name: a, get: /x, expect: { json: { id: "{{secret:ID}}" } } }'),
      ['smoke.suites.basic.requests[0].expect.json.id: secrets are only for smoke requests'],
    ],
    [
      'a request without a method',
      request('{ name: a }'),
      ['smoke.suites.basic.requests[0]: the request has no method'],
    ],
    [
      'a request with two methods',
      request('{ name: a, get: /x, post: /y }'),
      ['smoke.suites.basic.requests[0].post: "post" cannot stand beside "get"'],
    ],
    [
      'a body on a GET',
      request('{ name: a, get: /x, json: {} }'),
      ['smoke.suites.basic.requests[0].json: a get request has no body'],
    ],
    [
      'two bodies',
      request('{ name: a, post: /x, json: {}, text: a }'),
      ['smoke.suites.basic.requests[0].text: "text" cannot stand beside "json"'],
    ],
    [
      'parts of a form beside another body, and a file outside the folder',
      request('{ name: a, post: /x, json: {}, multipart: { image: { file: ../b.jpg } } }'),
      [
        'smoke.suites.basic.requests[0].multipart: "multipart" cannot stand beside "json"',
        'smoke.suites.basic.requests[0].multipart.image.file: "../b.jpg" is not a file among the worker’s smoke files',
      ],
    ],
    [
      'a handshake expected of a plain request',
      request('{ name: a, get: /x, expect: { handshake: refused, firstMessageWithin: 5s } }'),
      [
        'smoke.suites.basic.requests[0].expect.handshake: handshake is for ws requests',
        'smoke.suites.basic.requests[0].expect.firstMessageWithin: firstMessageWithin is for ws requests',
      ],
    ],
    [
      'a refusal with what only an accepted handshake can have',
      request('{ name: a, ws: /x, expect: { handshake: refused, firstMessageWithin: 5s, closeCode: 1008 } }'),
      [
        'smoke.suites.basic.requests[0].expect.firstMessageWithin: firstMessageWithin is for accepted handshakes',
        'smoke.suites.basic.requests[0].expect.closeCode: closeCode is for handshakes that end closed',
      ],
    ],
    [
      'words about a first message that is not waited for',
      request('{ name: a, ws: /x, expect: { status: 200, json: { a: 1 } }, capture: { a: $.a } }'),
      [
        'smoke.suites.basic.requests[0].expect.status: status is for refused handshakes',
        'smoke.suites.basic.requests[0].expect.json: json needs a first message: expect.firstMessageWithin',
        'smoke.suites.basic.requests[0].capture: capture needs a first message: expect.firstMessageWithin',
      ],
    ],
    [
      'a form over a WebSocket',
      request('{ name: a, ws: /x, multipart: { a: b } }'),
      ['smoke.suites.basic.requests[0].multipart: multipart cannot be said over a WebSocket'],
    ],
    [
      'a status that the suite forbids',
      {
        smoke:
          '{ suites: { basic: { forbidStatus: [5xx], requests: [{ name: a, get: /x, expect: { status: 503 } }] } } }',
      },
      ['smoke.suites.basic.requests[0].expect.status: status 503 is forbidden by the suite: forbidStatus has 5xx'],
    ],
    [
      'a variable that every run has, captured again',
      request('{ name: a, get: "/{{unique}}", capture: { uniqueDate: $.a } }'),
      ['smoke.suites.basic.requests[0].capture.uniqueDate: every run has a variable uniqueDate of its own'],
    ],
    [
      'the body of a request outside of its signature',
      request(
        '{ name: a, get: "/{{body}}", sign: { secret: A, header: x, over: "{{signature}}{{body}}{{timestamp}}" } }',
      ),
      [
        'smoke.suites.basic.requests[0].get: variable "body" is not captured before',
        'smoke.suites.basic.requests[0].sign.over: variable "signature" is not captured before',
      ],
    ],
    [
      'the moment in what is expected, which is another for each request',
      request('{ name: a, get: "/{{timestamp}}", expect: { contains: "{{timestamp}}" } }'),
      ['smoke.suites.basic.requests[0].expect.contains: variable "timestamp" is not captured before'],
    ],
    [
      'a clean-up for what nothing captures, and with a password',
      {
        smoke:
          '{ suites: { basic: { requests: [{ name: a, get: /x, capture: { b: $.b } }], cleanup: [{ name: a, post: "/{{b}}/{{c}}", json: { password: abc } }] } } }',
      },
      [
        'smoke.suites.basic.cleanup[0].name: request "a" stands here a second time',
        'smoke.suites.basic.cleanup[0].post: variable "c" is not captured before',
        'smoke.suites.basic.cleanup[0].json.password: a secret is written down here',
      ],
    ],
    [
      'a signature with the secret itself',
      request('{ name: a, post: /x, sign: { secret: "not-a-name!", header: x } }'),
      ['smoke.suites.basic.requests[0].sign.secret: this value is not a variable name'],
    ],
    [
      'code in a JSON path',
      request('{ name: a, get: /x, capture: { a: "$[?(process.exit())]" } }'),
      ['smoke.suites.basic.requests[0].capture.a: "$[?(process.exit())]" is not a JSON path of members and indexes'],
    ],
    [
      'a path to another host',
      request('{ name: a, get: "http://evil.example/" }'),
      ['smoke.suites.basic.requests[0].get: "http://evil.example/" is not a path on the service'],
    ],
    [
      'a bearer token',
      request('{ name: a, get: /x, headers: { Authorization: Bearer abc } }'),
      ['smoke.suites.basic.requests[0].headers.Authorization: a secret is written down here'],
    ],
    [
      'a password in a body',
      request('{ name: a, post: /x, json: { login: { password: abc } } }'),
      ['smoke.suites.basic.requests[0].json.login.password: a secret is written down here'],
    ],
    [
      'a token in an address',
      request('{ name: a, get: "/x?a=1&access_token=abc" }'),
      ['smoke.suites.basic.requests[0].get: a secret is written down here'],
    ],
    [
      'a secret outside of smoke',
      { metadata: '{ service: web, environment: production, title: "{{secret:A}}" }' },
      ['metadata.title: secrets are only for smoke requests'],
    ],
    [
      'a secret in a query',
      criterion('query: "up{a=\\"{{secret:A}}\\"}"'),
      ['criteria[0].query: unknown name "secret:A" in a query'],
    ],
    [
      'a malformed secret',
      request('{ name: a, get: "/{{secret:a-b}}" }'),
      ['smoke.suites.basic.requests[0].get: no name of a secret'],
    ],
    ['an empty query', criterion('query: ""'), ['criteria[0].query: "" is not a PromQL query']],
    ['a blank query', criterion('query: "  "'), ['criteria[0].query: "  " is not a PromQL query']],
    ['a query of comments only', criterion('query: "# up"'), ['criteria[0].query: the query ends too early']],
    ['half a query', criterion('query: "sum("'), ['criteria[0].query: the query ends too early']],
    ['an unknown function', criterion('query: "summ(up)"'), ['criteria[0].query: PromQL knows no function "summ"']],
    [
      'an unknown name in a query',
      criterion('query: "up{{{trak}}}"'),
      ['criteria[0].query: unknown name "trak" in a query'],
    ],
    [
      'a matcher inside a string',
      criterion(`query: 'up{a="{{track}}"}'`),
      ['criteria[0].query: {{track}} cannot stand inside a string'],
    ],
    [
      'a range instead of a number',
      criterion('query: "up[5m]"'),
      ['criteria[0].query: the query gives a range of samples, not a number'],
    ],
    [
      'a rate without a range',
      criterion('query: "sum(rate(up))"'),
      ['criteria[0].query: rate needs a range of samples'],
    ],
    ['a text for a query', criterion(`query: '"up"'`), ['criteria[0].query: the query is a text']],
    [
      'a criterion without breach',
      { criteria: '[{ id: c, kind: limit, query: up, do: warn }]' },
      ['criteria[0]: missing key "breach"'],
    ],
    [
      'a comparison without baseline',
      { criteria: `[{ id: c, kind: compare, query: 'up{{{track}}}', breach: "> 2x", do: warn }]` },
      ['criteria[0]: missing key "against"'],
    ],
    [
      'a comparison with itself',
      { criteria: '[{ id: c, kind: compare, query: up, against: stable, breach: "> 2x", do: warn }]' },
      ['criteria[0].query: the query is the same for canary and stable, so it can never differ'],
    ],
    [
      'an absolute breach of a comparison',
      { criteria: `[{ id: c, kind: compare, query: 'up{{{track}}}', against: stable, breach: "> 2%", do: warn }]` },
      ['criteria[0].breach: "> 2%" is not a bad condition relative to the baseline'],
    ],
    ['criteria without metrics', { metrics: '' }, ['criteria: criteria need metrics']],
    [
      'samples that nobody counts',
      { metrics: '{ connection: p }', ...criterion('query: up, minSamples: 5') },
      ['criteria[0].minSamples: nothing counts the requests'],
    ],
    [
      'more than a selector',
      { metrics: `{ connection: p, requests: 'sum(up)' }` },
      ['metrics.requests: this is more than a selector'],
    ],
    [
      'a template in a selector',
      { metrics: `{ connection: p, requests: 'up{{{track}}}' }` },
      ['metrics.requests: a plain selector has no templates'],
    ],
    [
      'polls too often',
      { metrics: '{ connection: p, every: 10ms }' },
      ['metrics.every: "10ms" is not an interval between polls'],
    ],
    [
      'smoke longer than the watch',
      { watch: '{ for: 1h, smoke: { suite: basic, aim: stable, every: 5m, for: 4h } }' },
      ['watch.smoke.for: smoke is scheduled for longer than the watch'],
    ],
    [
      'an image with a tag',
      { release: '{ image: "web:latest" }' },
      ['release.image: "web:latest" is not an image name without tag or digest'],
    ],
  ])('with %s is told so at its path', (_, sections, problems) => {
    expect(wrongWith(sections)).toEqual(problems);
  });
});

describe('a good spec', () => {
  test('needs little: the rest has defaults', () => {
    const result = parseSpec(specWith({}), 'rollout.yaml');
    expect(result).toMatchObject({ ok: true, warnings: [] });
    if (!result.ok) return;
    const { metrics, approvals, steps, rollback, watch } = result.value;
    expect(metrics).toMatchObject({ tracks: { label: 'release' }, lag: 30_000, every: 15_000 });
    expect(approvals).toEqual({ gates: [], separation: { requesterMayApprove: false, distinctPeople: true } });
    expect(steps.map((step) => step.weight)).toEqual([100, 500, 2500, 10_000]);
    expect(steps[0]).toMatchObject({
      bake: { minMs: 1_800_000, maxMs: 3_600_000 },
      onHold: 'rollback',
      holdFor: 86_400_000,
    });
    expect(rollback).toEqual({ within: 300_000, confirm: [], keepCanary: 0 });
    expect(watch).toEqual({ for: 3_600_000, smoke: null });
  });

  test('that watches nothing is warned', () => {
    const text = specWith({}).replace(/^(?:criteria|metrics).*\n/gm, '');
    const problems = problemsOf(text);
    expect(problems.map(({ severity, message }) => `${severity}: ${message}`)).toEqual([
      'warning: no criterion and no smoke: nothing would take a bad release back',
    ]);
    expect(hasErrors(problems)).toBe(false);
    expect(summarizeProblems('a.yaml', problems)).toBe('a.yaml: 0 problems, 1 warning');
  });

  test('may write a query over several lines and use every template', () => {
    const query = `|
    sum(rate(errors{ {{track}} }[{{window}}])) # the bad ones
      / sum(rate(all{release={{release}}, pod=~"web-{{release}}-.*"}[{{window}}]))
`;
    const text = specWith({}).replace(/^criteria.*\n/m, '');
    const list = `criteria:\n- id: c\n  kind: limit\n  breach: "> 1"\n  do: warn\n  query: ${query}\n`;
    expect(problemsOf(text + list)).toEqual([]);
  });
});

test('a path is written as people write it', () => {
  expect(formatPath([])).toBe('');
  expect(formatPath(['steps', 1, 'weight'])).toBe('steps[1].weight');
  expect(formatPath(['suites', 'a b', 'x-y', 0])).toBe('suites["a b"].x-y[0]');
});
