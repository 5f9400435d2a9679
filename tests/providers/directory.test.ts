import { describe, expect, it } from 'vitest';
import { createDirectory, type People } from '../../providers/directory/directory.ts';

const first: People = { identity: 'trust', people: { zoe: { roles: ['sre'] }, ana: { roles: ['sre', 'qa'] } } };

/** A file that a test can change or break. */
function file(content: People | Error) {
  const state = { content, problems: [] as (string | null)[] };
  const load = async (): Promise<People> => {
    if (state.content instanceof Error) throw state.content;
    return state.content;
  };
  const directory = createDirectory({ load, onBroken: (problem) => state.problems.push(problem) });
  return { state, directory };
}

describe('the directory', () => {
  it('knows the roles of a person and the members of a role', async () => {
    const { directory } = file(first);
    expect(await directory.identity()).toBe('trust');
    expect(await directory.rolesOf('ana')).toEqual(['sre', 'qa']);
    expect(await directory.membersOf('sre')).toEqual(['ana', 'zoe']);
    expect(await directory.membersOf('legal')).toEqual([]);
  });

  it.each(['nobody', 'constructor', '__proto__', 'toString'])('does not know %s', async (person) => {
    expect(await file(first).directory.rolesOf(person)).toBeNull();
  });

  it('answers from the new file as soon as there is one', async () => {
    const { directory, state } = file(first);
    await directory.rolesOf('ana');
    state.content = { identity: 'trust', people: { ana: { roles: ['qa'] } } };
    expect(await directory.rolesOf('ana')).toEqual(['qa']);
    expect(await directory.rolesOf('zoe')).toBeNull();
  });

  it('keeps the last good version while the new one is broken, and says so once each time', async () => {
    const { directory, state } = file(first);
    await directory.rolesOf('ana');
    state.content = new Error('directory.yaml:3:1: unknown key');
    expect(await directory.rolesOf('zoe')).toEqual(['sre']);
    expect(await directory.membersOf('qa')).toEqual(['ana']);
    state.content = first;
    await directory.identity();
    expect(state.problems).toEqual(['directory.yaml:3:1: unknown key', null]);
  });

  it('has no answer as long as no version was good', async () => {
    const { directory } = file(new Error('directory.yaml: no such file'));
    await expect(directory.rolesOf('ana')).rejects.toMatchObject({
      name: 'ProviderError',
      code: 'missing',
      message: 'read the directory: directory.yaml: no such file',
    });
  });
});
