import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import path from 'node:path';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { createRedactor } from '../../providers/secrets/redact.ts';
import { createSecrets } from '../../providers/secrets/secrets.ts';
import { temporaryFolder } from '../temporary-folder.ts';

describe('secrets from the environment', () => {
  const env = { SLUICE_SECRET_TOKEN: 's3cr3t-token', SLUICE_SECRET_EMPTY: '', HOME: '/home/ana' };
  const open = () => createSecrets({ from: 'env', prefix: 'SLUICE_SECRET_', env, alsoRedact: ['prom-password'] });

  it('are found by name, and only those with the prefix', async () => {
    const secrets = await open();
    expect(await secrets.value('TOKEN')).toBe('s3cr3t-token');
    expect(await secrets.missing(['TOKEN', 'EMPTY', 'HOME', '__proto__', 'constructor'])).toEqual([
      'EMPTY',
      'HOME',
      '__proto__',
      'constructor',
    ]);
  });

  it('are named when they are missing, never shown', async () => {
    const secrets = await open();
    await expect(secrets.value('NOPE')).rejects.toMatchObject({ code: 'missing', message: /^use the secret NOPE: / });
    await expect(secrets.value('no such\nname')).rejects.toMatchObject({ message: /with an unusable name/ });
  });

  it('are taken out of texts, the connections credentials too', async () => {
    const secrets = await open();
    expect(secrets.redact('token=s3cr3t-token password=prom-password')).toBe('token=*** password=***');
  });
});

describe('secrets from a folder', () => {
  const folders = temporaryFolder('secrets');
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(path.join(folders, 'secrets-'));
    await writeFile(path.join(folder, 'LOG_TOKEN'), 'first-value\n');
    await writeFile(path.join(folder, '.hidden'), 'hidden-value');
    await mkdir(path.join(folder, 'nested'));
  });

  it('are one file each, without the line end', async () => {
    const secrets = await createSecrets({ from: 'folder', path: folder });
    expect(await secrets.value('LOG_TOKEN')).toBe('first-value');
    expect(await secrets.missing(['LOG_TOKEN', '.hidden', 'nested', '../LOG_TOKEN', 'OTHER'])).toEqual([
      '.hidden',
      'nested',
      '../LOG_TOKEN',
      'OTHER',
    ]);
  });

  it('are read anew when they are rotated, and the old value stays hidden', async () => {
    const secrets = await createSecrets({ from: 'folder', path: folder });
    await writeFile(path.join(folder, 'LOG_TOKEN'), 'second-value\n');
    expect(await secrets.value('LOG_TOKEN')).toBe('second-value');
    expect(secrets.redact('first-value then second-value')).toBe('*** then ***');
  });

  it('cannot be opened without the folder', async () => {
    const nowhere = path.join(folder, 'nowhere');
    await expect(createSecrets({ from: 'folder', path: nowhere })).rejects.toMatchObject({
      code: 'missing',
      message: 'read the secrets: the folder cannot be read (ENOENT)',
    });
  });
});

describe('redaction', () => {
  const secret = 'p"ä/ss+word ü&';
  const redact = createRedactor([secret, 'abc']);

  it.each([
    ['as it is', secret],
    ['in JSON', JSON.stringify({ secret }).slice('{"secret":"'.length, -2)],
    ['in a URL', encodeURIComponent(secret)],
    ['in a URL in lower case', encodeURIComponent(secret).replace(/%../g, (byte) => byte.toLowerCase())],
    ['in a form', new URLSearchParams({ secret }).toString().slice('secret='.length)],
    ['in base64', Buffer.from(secret).toString('base64')],
    ['in base64url', Buffer.from(secret).toString('base64url')],
  ])('hides a value %s', (_, text) => {
    expect(redact(`before ${text} after`)).toBe('before *** after');
  });

  it.each(['user:', 'me:', 'a:'])('hides a password in basic credentials after "%s"', (user) => {
    const header = Buffer.from(`${user}${secret}`).toString('base64');
    const shown = redact(`Basic ${header}`);
    expect(shown).toContain('***');
    expect(Buffer.from(shown.replace('Basic ', '').replace('***', ''), 'base64').toString()).not.toContain('word');
  });

  it('leaves values of fewer than four characters alone, and texts without secrets', () => {
    expect(redact('abc def')).toBe('abc def');
    expect(createRedactor([])('anything')).toBe('anything');
  });

  it('hides the longer of two secrets whole', () => {
    expect(createRedactor(['hunter', 'hunter2000'])('pw=hunter2000')).toBe('pw=***');
  });

  it('hides every value of at least four characters, whatever is in it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 4, maxLength: 40 }), fc.string(), (value, around) => {
        const hide = createRedactor([value]);
        fc.pre(!'***'.includes(value) && !around.includes(value));
        const text = `${around}<${value}>${encodeURIComponent(Buffer.from(value).toString())}`;
        expect(hide(text)).not.toContain(`<${value}>`);
        expect(hide(JSON.stringify({ value }))).not.toContain(`"${value}"`);
      }),
    );
  });
});
