import { describe, expect, test } from 'vitest';
import { renderProblems } from '../../spec/diagnostics.ts';
import { parseWorkerConfig } from '../../spec/worker-config.ts';
import { configText } from '../providers/targets/http/given.ts';

const read = (text: string) => parseWorkerConfig(text, 'worker.yaml');

function problems(change: (text: string) => string, claims = true): string {
  const result = read(change(configText({ claims })));
  if (result.ok) return '';
  return renderProblems(result.problems);
}

const instead = (from: string, to: string) => (text: string) => {
  expect(text).toContain(from);
  return text.replace(from, to);
};

describe('a connection of declared calls', () => {
  test('is read with methods, bodies and times said outright', () => {
    const result = read(configText({ calls: ['confirm: { url: "http://127.0.0.1:9/live", live: $.ok }'] }));
    if (!result.ok) throw new Error(renderProblems(result.problems));
    const { api } = result.value.connections;
    expect(api).toMatchObject({ kind: 'http', granularityBp: 100, withinMs: 10_000, settlesMs: 30_000, auth: null });
    expect(api?.kind === 'http' && api.calls).toMatchObject({
      read: { method: 'GET', body: null, find: { unit: 'percent', claim: '$.note', version: null } },
      setWeights: { method: 'PUT', body: { kind: 'json' } },
      confirm: { method: 'GET', live: { path: '$.ok', is: true } },
      deploy: null,
      retire: null,
    });
  });

  test('a name that a call does not know is pointed at, with the nearest that it knows', () => {
    const text = problems(instead("'{{canaryPercent}}'", "'{{canaryPrecent}}'"));
    expect(text).toContain('"canaryPrecent" is not known in setWeights');
    expect(text).toContain('did you mean "canaryPercent"?');
    expect(problems(instead('/pools/{{value.pool}}\n', '/pools/{{fence}}\n'))).toContain(
      '"fence" is not known in read',
    );
  });

  test('no value chooses who is called', () => {
    const text = problems(
      instead('http://127.0.0.1:9/pools/{{value.pool}}/weights', 'http://{{release.label}}.example/'),
    );
    expect(text).toContain('a value may not choose the host');
  });

  test('what is read must be written', () => {
    expect(problems(instead(", note: '{{claim}}'", ''))).toContain('setWeights never sends {{claim}}');
    const version = instead('claim: $.note', 'claim: $.note\n          version: { header: etag }');
    expect(problems(version)).toContain('setWeights never sends {{version}}');
    expect(problems(instead('{ web: {', '{ other: {}, web: {'))).toContain('this route has not');
  });

  test.each([
    ['kind: http', 'kind: http\n    granularity: 3%', 'is not a share that divides 100%'],
    ['kind: http', 'kind: http\n    settles: 5s', 'a call that is still waited for may yet take effect'],
    ['kind: http', 'kind: http\n    preview: { header: "x: y" }', 'preview requests have no address'],
    ['method: PUT', 'method: PUT\n        text: hello', 'a call has one body'],
    ['method: PUT', 'method: PUT\n        headers: { authorization: "Bearer abc" }', 'a credential stands in the file'],
    ['weight: $.percent', 'weight: "$..percent"', 'is not "rest" or a JSON path'],
    ['      setWeights:', '      setWeigths:', 'did you mean "setWeights"?'],
  ])('%s → %s is refused', (from, to, why) => {
    expect(problems(instead(from, to))).toContain(why);
  });
});
