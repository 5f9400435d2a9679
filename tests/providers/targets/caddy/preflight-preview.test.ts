import { describe, expect, it } from 'vitest';
import { previewFindings } from '../../../../providers/targets/caddy/preflight-preview.ts';
import type { Site } from '../../../../providers/targets/caddy/site.ts';

const plan = { preview: { header: 'x-sluice-preview', value: 'canary' } };
const site = { plan, id: 'sluice-web' } as Site; // nothing else of it is looked at

const looking = (id: string | null) => ({
  srv0: {
    routes: [{ ...(id !== null && { '@id': id }), match: [{ header: { 'X-Sluice-Preview': ['canary'] } }] }],
  },
});

describe('the preview header before a rollout', () => {
  it('is refused when a matcher of somebody else already looks at it', () => {
    expect(previewFindings(site, looking(null))).toMatchObject([{ code: 'caddy.preview-clash' }]);
    expect(previewFindings(site, looking('shop-preview'))).toMatchObject([{ code: 'caddy.preview-clash' }]);
    expect(previewFindings(site, looking('sluice-shop'))).toMatchObject([{ code: 'caddy.preview-clash' }]);
  });

  it('may be the same as in rollouts of other services, each behind its own route', () => {
    expect(previewFindings(site, looking('sluice-web-preview'))).toEqual([]);
    expect(previewFindings(site, looking('sluice-shop-preview'))).toEqual([]);
  });
});
